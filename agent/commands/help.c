/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "agent/commands/help.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "agent/commands/line.h"
#include "agent/commands/table.h"

#define HELP_COLUMN 30
#define HELP_WIDTH  80

char *
help_usage (const Command *command)
{
    return g_strdup_printf ("usage: qmpmig %s [OPTIONS]%s%s", command->name,
                            command->arguments[0] ? " " : "", command->arguments);
}

/* Fills lines from column INDENT on, where the cursor is. */
static void
print_folded (int indent, const char *text)
{
    g_auto (GStrv) words = g_strsplit_set (text, " \n", -1);
    int column = indent;

    for (guint i = 0; words[i]; i++) {
        int width = (int)strlen (words[i]);

        if (column > indent && column + 1 + width > HELP_WIDTH) {
            printf ("\n%*s", indent, "");
            column = indent;
        }
        column += printf ("%s%s", column > indent ? " " : "", words[i]);
    }
    printf ("\n");
}

/* LEFT, then TEXT beside it, or below where that is too wide. */
static void
print_row (const char *left, const char *text)
{
    printf ("%-*s", HELP_COLUMN, left);
    if (strlen (left) + 2 > HELP_COLUMN)
        printf ("\n%*s", HELP_COLUMN, "");
    print_folded (HELP_COLUMN, text);
}

/* "  -s, --socket ADDR", "      --multifd[=N]" */
static void
print_option (const OptionSpec *spec)
{
    gboolean is_optional = spec->argument && spec->argument[0] == '[';
    g_autofree char *letter =
        spec->letter ? g_strdup_printf ("-%c, ", spec->letter) : g_strdup ("    ");
    g_autofree char *argument = NULL;
    g_autofree char *left = NULL;

    if (is_optional)
        argument = g_strdup_printf ("[=%s", spec->argument + 1);
    else
        argument = g_strconcat (spec->argument ? " " : "", spec->argument, NULL);
    left = g_strdup_printf ("  %s--%s%s", letter, spec->name, argument);
    print_row (left, spec->help);
}

static void
print_table (const char *title, const OptionSpec *table)
{
    if (!table || !table->name)
        return;
    printf ("\n%s:\n", title);
    for (; table->name; table++)
        print_option (table);
}

static void
print_common (void)
{
    printf ("\nOptions of every command:\n");
    for (guint i = 0; global_options_spec (i); i++)
        print_option (global_options_spec (i));
    for (const OptionSpec *spec = command_line_meta_options (); spec->name; spec++)
        print_option (spec);
}

static void
print_group (CommandGroup group, const char *title)
{
    gboolean is_first = TRUE;

    for (guint i = 0; command_entry (i); i++) {
        const CommandEntry *entry = command_entry (i);
        g_autofree char *left = NULL;

        if (entry->group != group)
            continue;
        if (is_first)
            printf ("\n%s:\n", title);
        is_first = FALSE;
        left = g_strdup_printf ("  %s %s", entry->command->name, entry->command->arguments);
        print_row (left, entry->command->summary);
    }
}

ExitCode
help_print_all (void)
{
    printf ("usage: qmpmig [OPTIONS] COMMAND [OPTIONS] [ARGUMENTS]\n"
            "Moves a running QEMU guest to another host, and knows where it runs.\n");
    print_group (GROUP_MOVE, "Move a guest");
    print_group (GROUP_LOOK, "Look");
    print_group (GROUP_TOUCH, "Touch a running migration");
    print_group (GROUP_REPAIR, "Repair");
    print_group (GROUP_SERVICE, "Under VDSM, Nova and libvirt");
    print_group (GROUP_HELP, "Help");
    print_common ();
    printf ("\nqmpmig COMMAND --help tells more about one; the manual is qmpmig(1).\n");
    return EXIT_DONE;
}

static void
print_exit_codes (const char *codes)
{
    g_auto (GStrv) items = g_strsplit (codes, " ", -1);

    printf ("\nExit codes:\n");
    for (guint i = 0; items[i]; i++) {
        g_autofree char *left = g_strdup_printf ("  %2s", items[i]);

        print_row (left, exit_code_meaning ((ExitCode)atoi (items[i])));
    }
}

ExitCode
help_print_command (const Command *command)
{
    g_autofree char *usage = help_usage (command);

    printf ("%s\n\n", usage);
    print_folded (0, command->description);
    print_table ("Options", command->options);
    if (command->takes_migrate_options) {
        printf ("\nOptions of the move:\n");
        for (guint i = 0; migrate_options_spec (i); i++)
            if (command_takes (command, migrate_options_spec (i)->name))
                print_option (migrate_options_spec (i));
    }
    print_common ();
    print_exit_codes (command_find (command->name)->exit_codes);
    if (command->example)
        printf ("\nExample:\n%s\n", command->example);
    return EXIT_DONE;
}

ExitCode
help_print_version (void)
{
    printf ("qmpmig %s\n", QMPMIG_VERSION);
    return EXIT_DONE;
}

static ExitCode
run_help (const CommandLine *line)
{
    const char *name = command_arguments (line)[0];
    const CommandEntry *entry = name ? command_find (name) : NULL;
    const char *near = name ? command_nearest (name) : NULL;

    if (!name)
        return help_print_all ();
    if (entry)
        return help_print_command (entry->command);
    return command_fail (line, g_error_new (G_OPTION_ERROR, G_OPTION_ERROR_BAD_VALUE,
                                            near ? "unknown command '%s'; did you mean '%s'?"
                                                 : "unknown command '%s'",
                                            name, near));
}

const Command command_help = {
    .name = "help",
    .arguments = "[COMMAND]",
    .summary = "what there is, or what one command does",
    .description = "Prints the list of commands, or what one of them does and takes.",
    .example = "  qmpmig help migrate",
    .max_arguments = 1,
    .run = run_help,
};
