/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "agent/commands/command.h"

#include <stdio.h>

#include "agent/commands/record.h"
#include "agent/control.h"
#include "agent/display/text.h"
#include "agent/migration/error.h"
#include "agent/steering/policy.h"
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
    if (error->domain == MIGRATE_ERROR || error->domain == CONTROL_ERROR ||
        error->domain == POLICY_ERROR)
        return (ExitCode)error->code;
    if (error->domain == QMP_ERROR)
        return qmp_exit_code (error->code);
    return EXIT_INTERNAL;
}

ExitCode
exit_code_before_start (const GError *error)
{
    return g_error_matches (error, QMP_ERROR, QMP_ERROR_REFUSED) ? EXIT_REFUSED
                                                                 : exit_code_of (error);
}

/* The one line of a record that ended before it began. */
static void
print_result (const CommandLine *line, const GError *error)
{
    g_autoptr (json_object) result = record_line (line, "result");
    json_object *detail = qmp_object ("text", json_object_new_string (error->message), NULL);
    ExitCode code = exit_code_of (error);

    if (error->domain == QMP_ERROR) {
        qmp_add_string (detail, "command", qmp_error_command (error));
        qmp_add_string (detail, "class", qmp_error_class (error));
        qmp_add_string (detail, "desc", qmp_error_desc (error));
    }
    qmp_add_string (result, "outcome", exit_code_outcome (code));
    json_object_object_add (result, "exit_code", json_object_new_int ((int)code));
    qmp_add_string (result, "guest_runs_on", exit_code_guest_runs_on (code));
    qmp_add_string (result, "text", error->message);
    json_object_object_add (result, "error", detail);
    record_print (result);
}

/* Some of the words may be QEMU's, or the name of a VM: they are made harmless for a terminal. */
static void
print_text (const char *text)
{
    g_auto (GStrv) lines = g_strsplit (text, "\n", -1);

    for (guint i = 0; lines[i]; i++) {
        g_autofree char *clean = text_clean (lines[i], g_get_charset (NULL));

        fprintf (stderr, "%s%s\n", i == 0 ? "qmpmig: " : "", clean);
    }
}

gboolean
command_takes (const Command *command, const char *option)
{
    return command->takes_migrate_options &&
           (!command->move_options || g_strv_contains (command->move_options, option));
}

ExitCode
command_fail (const CommandLine *line, GError *error)
{
    g_autoptr (GError) owned = error;

    print_text (owned->message);
    if (command_global (line)->json)
        print_result (line, owned);
    return exit_code_of (owned);
}
