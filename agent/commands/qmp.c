/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "agent/commands/command.h"

#include <stdio.h>
#include <unistd.h>

#include "agent/commands/reach.h"
#include "agent/commands/record.h"
#include "agent/migration/error.h"

/* What pulls the rug from under a migration that somebody steers. */
static gboolean
changes_migration (const char *command)
{
    static const char *const changing[] = {
        "cont",
        "migrate",
        "migrate-continue",
        "migrate-incoming",
        "migrate-pause",
        "migrate-recover",
        "migrate-set-capabilities",
        "migrate-set-parameters",
        "migrate-start-postcopy",
        "migrate_cancel",
        "quit",
        "stop",
        "system_powerdown",
        "system_reset",
        "yank",
        NULL,
    };

    return g_strv_contains (changing, command) || g_str_has_prefix (command, "x-");
}

static gboolean
parse_arguments (const char *text, json_object **ret_arguments, GError **error)
{
    enum json_tokener_error reason;
    json_object *arguments;

    if (!text)
        return TRUE;
    arguments = json_tokener_parse_verbose (text, &reason);
    if (json_object_is_type (arguments, json_type_object)) {
        *ret_arguments = arguments;
        return TRUE;
    }
    json_object_put (arguments);
    return migrate_fail (
        error, EXIT_USAGE, "the arguments are no JSON object (%s): %s",
        reason == json_tokener_success ? "another type" : json_tokener_error_desc (reason), text);
}

static gboolean
check_command (Reach *reach, const char *command, gboolean force, GError **error)
{
    if (!reach->control || force || !changes_migration (command))
        return TRUE;
    return migrate_fail (error, EXIT_REFUSED,
                         "%s: refused: qmpmig (pid %d) steers a migration of %s, and this would "
                         "change it behind its back (--force sends it all the same)",
                         command, (int)control_client_pid (reach->control), reach_vm (reach));
}

static void
print_value (const CommandLine *line, json_object *value)
{
    gboolean is_pretty = !command_global (line)->json && isatty (STDOUT_FILENO);
    int flags =
        is_pretty ? JSON_C_TO_STRING_PRETTY | JSON_C_TO_STRING_SPACED : JSON_C_TO_STRING_PLAIN;

    printf ("%s\n", json_object_to_json_string_ext (value, flags | JSON_C_TO_STRING_NOSLASHESCAPE));
}

static ExitCode
run_qmp (const CommandLine *line)
{
    char **words = command_arguments (line);
    gboolean force = command_flag (line, "force");
    ReachFlags flags = (force ? REACH_FORCE : 0) | (command_flag (line, "oob") ? REACH_OOB : 0);
    GError *error = NULL;
    json_object *arguments = NULL;
    g_autoptr (json_object) value = NULL;
    g_autoptr (Reach) reach = NULL;

    if (parse_arguments (words[1], &arguments, &error))
        reach = reach_open (line, &error);
    if (!reach || !check_command (reach, words[0], force, &error)) {
        json_object_put (arguments);
        return command_fail (line, error);
    }
    value = reach_qmp_full (reach, words[0], arguments, flags, &error);
    if (!value)
        return command_fail (line, error);
    print_value (line, value);
    return EXIT_DONE;
}

static const OptionSpec options[] = {
    { "force", 0, NULL, "also what changes a migration that a qmpmig steers" },
    { "oob", 0, NULL, "out-of-band: QEMU takes it even while its main loop hangs" },
    { 0 },
};

const Command command_qmp = {
    .name = "qmp",
    .arguments = "COMMAND [JSON]",
    .summary = "one raw command",
    .description =
        "Sends one QMP command to QEMU, with a JSON object as its arguments, and prints what it\n"
        "returns as JSON. While a qmpmig steers a migration of this VM, commands that would "
        "change\n"
        "it are refused without --force. Exits 1 when QEMU answers with an error.",
    .example =
        "  qmpmig --socket /run/web1.qmp qmp query-status\n"
        "  qmpmig --socket /run/web1.qmp qmp human-monitor-command '{\"command-line\": \"info "
        "pci\"}'",
    .options = options,
    .min_arguments = 1,
    .max_arguments = 2,
    .run = run_qmp,
};
