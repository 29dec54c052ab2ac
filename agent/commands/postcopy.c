/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "agent/commands/command.h"

#include "agent/commands/postcopy-switch.h"
#include "agent/commands/record.h"

static gboolean
switch_over (const CommandLine *line, Reach *reach, GError **error)
{
    g_auto (Look) look = { 0 };

    return look_take (reach, &look, error) && postcopy_check (reach, &look, error) &&
           postcopy_switch (reach, error);
}

/* Nothing is asked before: QEMU's main loop may hang in a page that does not come. */
static gboolean
break_off (const CommandLine *line, Reach *reach, GError **error)
{
    g_autoptr (json_object) answer =
        reach_qmp_full (reach, "migrate-pause", NULL, REACH_OOB, error);

    if (answer)
        record_say (line, "postcopy-paused",
                    "postcopy is broken off at this end; the other one notices by itself, or is "
                    "broken off likewise. Then: qmpmig --socket %s recover",
                    reach->global->socket->text);
    return answer != NULL;
}

static gboolean
ask_steering (const CommandLine *line, Reach *reach, gboolean is_pause, GError **error)
{
    g_autoptr (json_object) answer =
        reach_ask (reach, is_pause ? "postcopy-pause" : "postcopy", NULL, error);

    if (answer)
        record_say (line, is_pause ? "postcopy-paused" : "postcopy", "%s: %s", reach_vm (reach),
                    qmp_peek_string (answer, "text", "done"));
    return answer != NULL;
}

static ExitCode
run_postcopy (const CommandLine *line)
{
    gboolean is_pause = command_flag (line, "pause");
    GError *error = NULL;
    g_autoptr (Reach) reach = reach_open (line, &error);
    gboolean ok;

    if (!reach)
        return command_fail (line, error);
    if (reach->control)
        ok = ask_steering (line, reach, is_pause, &error);
    else
        ok = (is_pause ? break_off : switch_over) (line, reach, &error);
    return ok ? EXIT_DONE : reach_fail (reach, error);
}

static const OptionSpec options[] = {
    { "pause", 0, NULL, "break a postcopy off on purpose (QEMU's migrate-pause)" },
    { 0 },
};

const Command command_postcopy = {
    .name = "postcopy",
    .arguments = "",
    .summary = "let the guest run at the destination now, its memory follows",
    .description =
        "Switches a running migration to postcopy: the guest goes on at the destination at once\n"
        "and fetches the pages that it misses. There is no way back from there. postcopy-ram must\n"
        "have been on at both ends before the migration began, which `migrate` sees to.\n"
        "--pause breaks a postcopy off, both halves stand still, until `recover`.",
    .example = "  qmpmig --socket /run/web1.qmp postcopy\n"
               "  qmpmig --socket /run/web1.qmp postcopy --pause",
    .options = options,
    .run = run_postcopy,
};
