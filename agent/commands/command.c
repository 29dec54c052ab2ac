/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "agent/commands/command.h"

#include <stdio.h>

#include "agent/commands/line.h"
#include "agent/control.h"
#include "agent/migration/error.h"
#include "qmp/error.h"
#include "qmp/value.h"

static ExitCode
qmp_exit_code (int code)
{
    switch ((QmpError)code) {
    case QMP_ERROR_ADDRESS:
        return EXIT_USAGE;
    case QMP_ERROR_REFUSED:
        return EXIT_INTERNAL;
    case QMP_ERROR_UNREACHABLE:
    case QMP_ERROR_HELD:
    case QMP_ERROR_PROTOCOL:
    case QMP_ERROR_CLOSED:
    case QMP_ERROR_TIMEOUT:
    case QMP_ERROR_CANCELLED:
        return EXIT_UNREACHABLE;
    }
    return EXIT_INTERNAL;
}

ExitCode
exit_code_of (const GError *error)
{
    if (error->domain == UNITS_ERROR || error->domain == CONFIG_ERROR ||
        error->domain == G_OPTION_ERROR)
        return EXIT_USAGE;
    if (error->domain == MIGRATE_ERROR || error->domain == CONTROL_ERROR)
        return (ExitCode)error->code;
    if (error->domain == QMP_ERROR)
        return qmp_exit_code (error->code);
    return EXIT_INTERNAL;
}

static void
add_string (json_object *object, const char *key, const char *value)
{
    if (value)
        json_object_object_add (object, key, json_object_new_string (value));
}

/* The one line of a record that ended before it began. */
static json_object *
error_line (const CommandLine *line, const GError *error)
{
    g_autoptr (GDateTime) now = g_date_time_new_now_utc ();
    g_autofree char *clock = g_date_time_format (now, "%Y-%m-%dT%H:%M:%SZ");
    json_object *detail = qmp_object ("text", json_object_new_string (error->message), NULL);

    if (error->domain == QMP_ERROR) {
        add_string (detail, "command", qmp_error_command (error));
        add_string (detail, "class", qmp_error_class (error));
        add_string (detail, "desc", qmp_error_desc (error));
    }
    return qmp_object ("type", json_object_new_string ("result"), "format",
                       json_object_new_string ("qmpmig-1"), "wall_clock",
                       json_object_new_string (clock), "t_us",
                       json_object_new_int64 (command_line_age_us (line)), "exit_code",
                       json_object_new_int (exit_code_of (error)), "text",
                       json_object_new_string (error->message), "error", detail, NULL);
}

ExitCode
command_fail (const CommandLine *line, GError *error)
{
    g_autoptr (GError) owned = error;

    fprintf (stderr, "qmpmig: %s\n", error->message);
    if (command_global (line)->json) {
        g_autoptr (json_object) object = error_line (line, error);

        printf ("%s\n", json_object_to_json_string_ext (
                            object, JSON_C_TO_STRING_PLAIN | JSON_C_TO_STRING_NOSLASHESCAPE));
    }
    return exit_code_of (error);
}
