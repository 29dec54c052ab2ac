/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "agent/commands/command.h"

#include <stdio.h>
#include <string.h>

#include "agent/commands/policy-line.h"
#include "agent/commands/policy-table.h"
#include "agent/commands/record.h"
#include "agent/steering/policy-exec.h"
#include "agent/steering/policy-place.h"
#include "qmp/value.h"

static void
put_line (gpointer line)
{
    json_object_put (line);
}

static void
print_line (gpointer policy, gpointer line)
{
    g_autoptr (json_object) object = record_line (line, "policy");

    json_object_object_foreach (policy, key, value)
        json_object_object_add (object, key, json_object_get (value));
    record_print (object);
}

/* --- one ------------------------------------------------------------------------------------- */

static ExitCode
show (const CommandLine *line, const char *name)
{
    GError *error = NULL;
    g_autoptr (PolicyLibrary) library = policy_library_open (name, &error);
    g_autoptr (json_object) policy = NULL;
    Style style = record_style (line);

    if (!library)
        return command_fail (line, error);
    policy = policy_line_new (library);
    if (command_global (line)->json) {
        print_line (policy, (gpointer)line);
    } else {
        g_autofree char *text = policy_table_one (&style, policy);

        fputs (text, stdout);
    }
    return EXIT_DONE;
}

/* --- all ------------------------------------------------------------------------------------- */

static json_object *
look_at (const char *name)
{
    g_autoptr (GError) error = NULL;
    g_autoptr (PolicyLibrary) library = policy_library_open (name, &error);

    return library ? policy_line_new (library) : policy_line_refused (name, error);
}

static void
print_table (const CommandLine *line, const GPtrArray *lines, const char *dir)
{
    Style style = record_style (line);
    g_autofree char *table = policy_table (&style, lines);

    fputs (table, stdout);
    if (command_global (line)->quiet)
        return;
    if (lines->len > 1)
        printf ("\nThe policies are in %s\n", dir);
    else
        fprintf (stderr, "qmpmig: there is no plugin in %s\n", dir);
}

static gint
compare_lines (gconstpointer a, gconstpointer b)
{
    return strcmp (qmp_peek_string (*(json_object *const *)a, "name", ""),
                   qmp_peek_string (*(json_object *const *)b, "name", ""));
}

static ExitCode
run_policies (const CommandLine *line)
{
    g_autoptr (GPtrArray) lines = g_ptr_array_new_with_free_func (put_line);
    g_autofree char *dir = NULL;
    g_auto (GStrv) names = NULL;
    GError *error = NULL;

    if (command_arguments (line)[0])
        return show (line, command_arguments (line)[0]);
    dir = policy_place_dir (&error);
    names = dir ? policy_place_names (&error) : NULL;
    if (!names)
        return command_fail (line, error);
    for (guint i = 0; names[i]; i++)
        g_ptr_array_add (lines, look_at (names[i]));
    g_ptr_array_add (lines, look_at (POLICY_EXEC));
    g_ptr_array_sort (lines, compare_lines);
    if (command_global (line)->json)
        g_ptr_array_foreach (lines, print_line, (gpointer)line);
    else
        print_table (line, lines, dir);
    return EXIT_DONE;
}

const Command command_policies = {
    .name = "policies",
    .arguments = "[NAME]",
    .summary = "installed policies, with their options and defaults",
    .description =
        "Lists the policies that --policy takes by name: version, and what each does, or why it\n"
        "is refused. With a NAME, or an absolute path, that one alone, with its options and their\n"
        "defaults.",
    .example = "  qmpmig policies\n  qmpmig policies deadline",
    .max_arguments = 1,
    .run = run_policies,
};
