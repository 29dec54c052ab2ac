/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "agent/commands/command.h"

#include "agent/commands/finish-qemu.h"
#include "agent/commands/record.h"
#include "agent/steering/sample.h"

/* As the steering qmpmig will reckon: what the last sync found may be more than remains. */
static void
say_expected (Reach *reach, json_object *sample)
{
    guint64 remaining = MAX (qmp_peek_uint (sample, "remaining_bytes", 0),
                             qmp_peek_uint (sample, "remaining_at_sync_bytes", 0));
    guint64 rate = qmp_peek_uint (sample, "bandwidth_bytes_per_s", 0);
    guint64 blackout_us = qmp_peek_uint (sample, "downtime_if_stopped_us", SAMPLE_UNKNOWN);

    if (blackout_us != SAMPLE_UNKNOWN && rate > 0)
        blackout_us =
            MAX (blackout_us, (guint64)((double)remaining * G_USEC_PER_SEC / (double)rate));
    finish_say_expected (reach, remaining, rate, blackout_us);
}

static gboolean
finish_at_steering (Reach *reach, const char *by, GError **error)
{
    g_autoptr (json_object) status = reach_ask (reach, "status", NULL, error);
    g_autoptr (json_object) answer = NULL;

    if (!status)
        return FALSE;
    say_expected (reach, qmp_peek (status, "sample"));
    answer = reach_ask (reach, "finish",
                        by ? qmp_object ("by", json_object_new_string (by), NULL) : NULL, error);
    if (answer)
        record_say (reach->line, "finish", "%s: %s", reach_vm (reach),
                    qmp_peek_string (answer, "text", "done"));
    return answer != NULL;
}

static ExitCode
run_finish (const CommandLine *line)
{
    const char *by = command_value (line, "by");
    GError *error = NULL;
    g_autoptr (Reach) reach = reach_open (line, &error);

    if (!reach)
        return command_fail (line, error);
    if ((reach->control ? finish_at_steering : finish_at_qemu) (reach, by, &error))
        return EXIT_DONE;
    return reach_fail (reach, error);
}

static const OptionSpec options[] = {
    { "by", 0, "downtime|postcopy|pause", "how (default: the mildest that is permitted)" },
    { 0 },
};

const Command command_finish = {
    .name = "finish",
    .arguments = "",
    .summary = "end the migration now, by the mildest means permitted",
    .description =
        "Says what blackout is to be expected, then ends the running migration: by a longer\n"
        "blackout (downtime; up to 2 s unless asked for by name), by the switch to postcopy where\n"
        "that is armed, or by stopping the guest until all of it is sent (pause). The qmpmig that\n"
        "steers does it by its own limits. Where none does, the destination is not observed.",
    .example = "  qmpmig --socket /run/web1.qmp finish\n"
               "  qmpmig --socket /run/web1.qmp finish --by pause",
    .options = options,
    .run = run_finish,
};
