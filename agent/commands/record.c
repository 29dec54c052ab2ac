/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "agent/commands/record.h"

#include <stdio.h>

#include "agent/commands/line.h"
#include "agent/display/display.h"
#include "agent/display/text.h"
#include "qmp/value.h"

json_object *
record_line (const CommandLine *line, const char *type)
{
    g_autoptr (GDateTime) now = g_date_time_new_now_utc ();
    g_autofree char *clock = g_date_time_format (now, "%Y-%m-%dT%H:%M:%SZ");

    return qmp_object ("type", json_object_new_string (type), "format",
                       json_object_new_string ("qmpmig-1"), "wall_clock",
                       json_object_new_string (clock), "t_us",
                       json_object_new_int64 (command_line_age_us (line)), NULL);
}

void
record_print (json_object *object)
{
    g_autofree char *text = qmp_message_text (object);

    record_print_text (text);
}

void
record_print_text (const char *text)
{
    fputs (text, stdout);
    fflush (stdout);
}

static void
print_notice (const CommandLine *line, const char *level, const char *code, const char *text)
{
    g_autoptr (json_object) notice = record_line (line, "notice");

    json_object_object_add (notice, "level", json_object_new_string (level));
    json_object_object_add (notice, "code", json_object_new_string (code));
    json_object_object_add (notice, "text", json_object_new_string (text));
    record_print (notice);
}

void
record_say (const CommandLine *line, const char *code, const char *format, ...)
{
    const GlobalOptions *global = command_global (line);
    g_autofree char *text = NULL;
    g_autofree char *clean = NULL;
    va_list arguments;

    va_start (arguments, format);
    text = g_strdup_vprintf (format, arguments);
    va_end (arguments);
    clean = text_clean (text, record_style (line).utf8);
    if (global->json)
        print_notice (line, "info", code, text);
    else if (!global->quiet)
        printf ("%s\n", clean);
    fflush (stdout);
}

void
record_warn (const CommandLine *line, const char *code, const char *format, ...)
{
    g_autofree char *text = NULL;
    g_autofree char *clean = NULL;
    va_list arguments;

    va_start (arguments, format);
    text = g_strdup_vprintf (format, arguments);
    va_end (arguments);
    clean = text_clean (text, record_style (line).utf8);
    if (command_global (line)->json)
        print_notice (line, "warning", code, text);
    fprintf (stderr, "qmpmig: %s\n", clean);
}

Style
record_style (const CommandLine *line)
{
    DisplayOptions options = { 0 };

    display_options_init (&options, command_global (line));
    return (Style){ .color = options.color, .utf8 = options.utf8, .verbose = options.verbose };
}
