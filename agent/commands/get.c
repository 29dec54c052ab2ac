/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "agent/commands/command.h"

#include <stdio.h>
#include <string.h>

#include "agent/commands/record.h"
#include "agent/commands/settings.h"
#include "agent/display/text.h"
#include "agent/migration/error.h"
#include "agent/parameter.h"

#define NAME_COLUMNS 28

static void
print_row (const CommandLine *line, const char *name, const char *value)
{
    g_autofree char *clean = text_clean (value, record_style (line).utf8);

    printf ("%-*s%s\n", NAME_COLUMNS, name, clean);
}

static void
print_parameter (const CommandLine *line, const char *name, json_object *value)
{
    g_autofree char *text = parameter_format (name, value);

    print_row (line, name, text);
}

static void
print_limit (const CommandLine *line, const Settings *settings, const char *name)
{
    g_autofree char *text = limit_format (settings->limits, name);

    print_row (line, name, text);
}

static int
compare_names (gconstpointer a, gconstpointer b)
{
    return strcmp (*(const char *const *)a, *(const char *const *)b);
}

/* QEMU's own order is by age of the feature. */
static void
print_parameters (const CommandLine *line, json_object *parameters)
{
    g_autoptr (GPtrArray) names = g_ptr_array_new ();

    json_object_object_foreach (parameters, name, value) {
        (void)value;
        g_ptr_array_add (names, name);
    }
    g_ptr_array_sort (names, compare_names);
    for (guint i = 0; i < names->len; i++)
        print_parameter (line, names->pdata[i], qmp_peek (parameters, names->pdata[i]));
}

static void
print_all (const CommandLine *line, const Settings *settings)
{
    for (guint i = 0; settings->limits && limit_name (i); i++)
        print_limit (line, settings, limit_name (i));
    print_parameters (line, settings->parameters);
}

static gboolean
check_keys (char **keys, const Settings *settings, GError **error)
{
    for (; *keys; keys++) {
        if (limit_is_known (*keys) && !settings->limits)
            return migrate_fail (error, EXIT_REFUSED,
                                 "%s is a limit of a migration that qmpmig steers, and none runs",
                                 *keys);
        if (!limit_is_known (*keys) &&
            !json_object_object_get_ex (settings->parameters, *keys, NULL))
            return settings_fail_unknown (settings, *keys, error);
    }
    return TRUE;
}

static void
print_named (const CommandLine *line, char **keys, const Settings *settings)
{
    for (; *keys; keys++)
        if (limit_is_known (*keys))
            print_limit (line, settings, *keys);
        else
            print_parameter (line, *keys, qmp_peek (settings->parameters, *keys));
}

/* All of them, or those named. A limit goes by its option's name even here. */
static void
print_json (const CommandLine *line, char **keys, const Settings *settings)
{
    g_autoptr (json_object) object = record_line (line, "settings");
    json_object *parameters = json_object_new_object ();

    json_object_object_foreach (settings->parameters, name, value)
        if (!*keys || g_strv_contains ((const char *const *)keys, name))
            json_object_object_add (parameters, name, json_object_get (value));
    json_object_object_add (object, "parameters", parameters);
    if (settings->limits)
        json_object_object_add (object, "limits", json_object_get (settings->limits));
    record_print (object);
}

static ExitCode
run_get (const CommandLine *line)
{
    char **keys = command_arguments (line);
    g_auto (Settings) settings = { 0 };
    GError *error = NULL;
    g_autoptr (Reach) reach = reach_open (line, &error);

    if (!reach || !settings_read (reach, &settings, &error) ||
        !check_keys (keys, &settings, &error))
        return command_fail (line, error);
    if (command_global (line)->json)
        print_json (line, keys, &settings);
    else if (*keys)
        print_named (line, keys, &settings);
    else
        print_all (line, &settings);
    return EXIT_DONE;
}

const Command command_get = {
    .name = "get",
    .arguments = "[KEY...]",
    .summary = "QEMU's migration parameters, and our limits",
    .description =
        "Prints QEMU's migration parameters by QEMU's names, all of them or those named, with\n"
        "units; and, while a qmpmig steers a migration, its limits by the names of the options of\n"
        "`migrate`: max-downtime, max-stall, deadline, max-throttle, bandwidth.",
    .example = "  qmpmig --socket /run/web1.qmp get\n"
               "  qmpmig --socket /run/web1.qmp get downtime-limit max-bandwidth",
    .max_arguments = -1,
    .run = run_get,
};
