/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "agent/commands/line.h"
#include "agent/commands/table.h"
#include "agent/control.h"
#include "agent/migration/error.h"
#include "qmp/error.h"
#include "tests/unit/check.h"

#include <string.h>

/* The words of TEXT, as a shell would part them, in *ret_words. */
static CommandLine *
parse (const char *text, GStrv *ret_words, GError **error)
{
    g_autoptr (CommandLine) line = command_line_new ();

    g_assert_true (g_shell_parse_argv (text, NULL, ret_words, NULL));
    return command_line_parse (line, *ret_words, error) ? g_steal_pointer (&line) : NULL;
}

static void
test_any_order (void)
{
    static const char *const texts[] = {
        "--json -s /x help --quiet migrate",
        "help migrate -jq --socket=/x",
        "-jqs/x help migrate",
        "-s /x -j -q help -- migrate",
        "-q --json=on help migrate -s unix:/x",
    };

    for (guint i = 0; i < G_N_ELEMENTS (texts); i++) {
        g_auto (GStrv) words = NULL;
        g_autoptr (GError) error = NULL;
        g_autoptr (CommandLine) line = parse (texts[i], &words, &error);

        g_assert_no_error (error);
        g_assert_true (command_global (line)->json && command_global (line)->quiet);
        g_assert_false (command_global (line)->verbose);
        g_assert_cmpstr (command_global (line)->socket->path, ==, "/x");
        g_assert_cmpstr (command_arguments (line)[0], ==, "migrate");
        g_assert_null (command_arguments (line)[1]);
        g_assert_null (command_migrate_options (line));
    }
}

static void
test_last_wins (void)
{
    g_auto (GStrv) words = NULL;
    g_autoptr (CommandLine) line =
        parse ("help -s /a --color never -s /b --color always", &words, NULL);

    g_assert_cmpstr (command_global (line)->socket->path, ==, "/b");
    g_assert_cmpint (command_global (line)->color, ==, COLOR_ALWAYS);
    g_assert_cmpstr (command_value (line, "socket"), ==, "/b");
    g_assert_cmpstr (command_value (line, "reply-timeout"), ==, NULL);
    g_assert_true (command_flag (line, "color"));
}

/* --print-config takes what `migrate` takes. */
static void
test_optional_argument (void)
{
    g_auto (GStrv) words = NULL;
    g_autoptr (CommandLine) line =
        parse ("--print-config --multifd --xbzrle=1MiB --config /dev/null", &words, NULL);

    g_assert_nonnull (line);
    g_assert_cmpuint (command_migrate_options (line)->multifd_channels, ==, 2);
    g_assert_cmpuint (command_migrate_options (line)->xbzrle_cache_bytes, ==, 1 << 20);
    g_assert_cmpstr (command_value (line, "multifd"), ==, "");
    g_assert_nonnull (command_config (line));
}

static void
test_refused (void)
{
    static const struct {
        const char *text, *words;
    } cases[] = {
        { "", "a command is needed*" },
        { "hlep", "unknown command 'hlep'; did you mean 'help'?" },
        { "frobnicate", "unknown command 'frobnicate'; see qmpmig --help" },
        { "help --jsn", "unknown option --jsn; did you mean --json?" },
        { "help --max-dowtime 1s", "unknown option --max-dowtime; did you mean --max-downtime?" },
        { "help --frobnicate", "unknown option --frobnicate; see*" },
        { "help -Z", "unknown option -Z*" },
        { "help -jZ", "unknown option -Z*" },
        { "help --socket", "--socket needs ADDR" },
        { "help -js", "-s needs ADDR" },
        { "help --max-downtime 1s", "help does not take --max-downtime*" },
        { "help --color=red", "--color: 'red' is not one of auto|always|never" },
        { "help a b", "help: too many arguments\nusage: qmpmig help [OPTIONS] [COMMAND]" },
        { "help --print-config=yes", "--print-config takes no value" },
        { "--print-config --bandwidth 5", "--bandwidth: 5 has no unit*" },
        { "--print-config --config /nowhere/x", "*/nowhere/x*" },
        { "help --socket tcp:x", "--socket: *" },
        { "help --reply-timeout 10", "--reply-timeout: 10 has no unit: write 10ms or 10s" },
    };

    for (guint i = 0; i < G_N_ELEMENTS (cases); i++) {
        g_auto (GStrv) words = NULL;
        g_autoptr (GError) error = NULL;
        g_autoptr (CommandLine) line = NULL;

        g_test_message ("%s", cases[i].text);
        if (cases[i].text[0])
            line = parse (cases[i].text, &words, &error);
        else
            line = parse ("--", &words, &error);
        g_assert_null (line);
        g_assert_nonnull (error);
        check_words (error->message, cases[i].words);
        g_assert_cmpint (exit_code_of (error), ==, EXIT_USAGE);
    }
}

static void
test_environment (void)
{
    g_auto (GStrv) words = NULL, more_words = NULL, bad_words = NULL;
    g_autoptr (CommandLine) from_environment = NULL, from_line = NULL;
    g_autoptr (GError) error = NULL;

    g_setenv ("QMPMIG_SOCKET", "/env", TRUE);
    from_environment = parse ("help", &words, NULL);
    g_assert_cmpstr (command_global (from_environment)->socket->path, ==, "/env");
    from_line = parse ("help -s /line", &more_words, NULL);
    g_assert_cmpstr (command_global (from_line)->socket->path, ==, "/line");
    g_setenv ("QMPMIG_SOCKET", "tcp:", TRUE);
    g_assert_null (parse ("help", &bad_words, &error));
    check_words (error->message, "QMPMIG_SOCKET: *");
    g_unsetenv ("QMPMIG_SOCKET");
}

static void
test_no_options_clash (void)
{
    for (guint i = 0; command_entry (i); i++)
        for (guint j = 0; command_entry (j); j++) {
            const OptionSpec *a = command_entry (i)->command->options;

            for (; a && a->name; a++) {
                const OptionSpec *b = command_entry (j)->command->options;

                for (; b && b->name; b++)
                    if (!strcmp (a->name, b->name) || (a->letter && a->letter == b->letter))
                        g_assert_cmpint (a->argument != NULL && a->argument[0] != '[', ==,
                                         b->argument != NULL && b->argument[0] != '[');
            }
        }
}

static void
test_commands_explain_themselves (void)
{
    for (guint i = 0; command_entry (i); i++) {
        const Command *command = command_entry (i)->command;

        g_test_message ("%s", command->name);
        g_assert_true (command_find (command->name) == command_entry (i));
        g_assert_true (command->summary[0] && command->description[0] && command->run);
        g_assert_cmpuint (strlen (command->summary), <, 80);
        g_assert_true (command->max_arguments == -1 ||
                       command->max_arguments >= command->min_arguments);
        if (command->example)
            g_assert_true (g_str_has_prefix (command->example, "  "));
    }
}

static void
test_exit_codes (void)
{
    const struct {
        GQuark domain;
        int code;
        ExitCode exit_code;
    } cases[] = {
        { UNITS_ERROR, 0, EXIT_USAGE },
        { CONFIG_ERROR, 0, EXIT_USAGE },
        { G_OPTION_ERROR, G_OPTION_ERROR_BAD_VALUE, EXIT_USAGE },
        { QMP_ERROR, QMP_ERROR_ADDRESS, EXIT_USAGE },
        { QMP_ERROR, QMP_ERROR_HELD, EXIT_UNREACHABLE },
        { QMP_ERROR, QMP_ERROR_CLOSED, EXIT_UNREACHABLE },
        { QMP_ERROR, QMP_ERROR_TIMEOUT, EXIT_UNREACHABLE },
        { QMP_ERROR, QMP_ERROR_REFUSED, EXIT_INTERNAL },
        { MIGRATE_ERROR, EXIT_UNDECIDED, EXIT_UNDECIDED },
        { CONTROL_ERROR, EXIT_REFUSED, EXIT_REFUSED },
        { G_FILE_ERROR, G_FILE_ERROR_NOENT, EXIT_INTERNAL },
    };

    for (guint i = 0; i < G_N_ELEMENTS (cases); i++) {
        g_autoptr (GError) error = g_error_new (cases[i].domain, cases[i].code, "x");

        g_assert_cmpint (exit_code_of (error), ==, cases[i].exit_code);
    }
}

int
main (int argc, char **argv)
{
    g_test_init (&argc, &argv, NULL);
    g_unsetenv ("QMPMIG_SOCKET");
    g_unsetenv ("QMPMIG_CONFIG");
    check_add ("/line/options-stand-anywhere", test_any_order);
    check_add ("/line/the-last-of-two-wins", test_last_wins);
    check_add ("/line/an-optional-argument-does-not-take-the-next-word", test_optional_argument);
    check_add ("/line/a-mistake-is-a-usage-error", test_refused);
    check_add ("/line/the-environment-stands-below-the-line", test_environment);
    check_add ("/line/an-option-is-the-same-for-every-command", test_no_options_clash);
    check_add ("/line/every-command-explains-itself", test_commands_explain_themselves);
    check_add ("/line/an-error-knows-its-exit-code", test_exit_codes);
    return g_test_run ();
}
