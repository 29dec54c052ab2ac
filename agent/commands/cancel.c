/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "agent/commands/command.h"

#include "agent/commands/follow.h"
#include "agent/commands/record.h"
#include "agent/migration/error.h"

/* How long QEMU may take from migrate_cancel to a terminal status. */
#define PATIENCE_US (30 * G_USEC_PER_SEC)
#define LOOK_US     (50 * 1000)

/* QEMU 7.2 takes a cancel in postcopy, and the guest is gone: so it is never asked. */
static gboolean
may_cancel (Reach *reach, const Look *look, GError **error)
{
    const char *vm = reach_vm (reach);

    if (look->is_destination)
        return migrate_fail (error, EXIT_REFUSED,
                             "%s: cancel: refused: this is the receiving end; a migration is "
                             "cancelled at its source",
                             vm);
    if (status_is_postcopy (look->status))
        return migrate_fail (error, EXIT_REFUSED,
                             "%s: cancel: refused: the migration is in postcopy (%s), and half of "
                             "the guest is on the other side already: cancelling would destroy it. "
                             "It can only be brought to its end (`qmpmig recover` when it is "
                             "paused)",
                             vm, look->word);
    if (!status_is_running (look->status))
        return migrate_fail (error, EXIT_REFUSED, "%s: cancel: no migration runs (QEMU: %s)", vm,
                             look->word);
    return TRUE;
}

static gboolean
await_end (Reach *reach, Look *look, GError **error)
{
    gint64 deadline_us = g_get_monotonic_time () + PATIENCE_US;

    for (;;) {
        if (!look_take (reach, look, error))
            return FALSE;
        if (!status_is_running (look->status))
            return TRUE;
        if (g_get_monotonic_time () >= deadline_us)
            return migrate_fail (error, EXIT_LEFT,
                                 "%s: cancel: QEMU has taken it, but the migration is still %s "
                                 "after 30 s: look at `qmpmig status`",
                                 reach_vm (reach), look->word);
        g_usleep (LOOK_US);
    }
}

/* The result line when nobody steers. */
static json_object *
cancel_at_qemu (Reach *reach, GError **error)
{
    g_auto (Look) look = { 0 };
    g_autoptr (json_object) answer = NULL;

    if (!look_take (reach, &look, error) || !may_cancel (reach, &look, error))
        return NULL;
    answer = reach_qmp (reach, "migrate_cancel", NULL, error);
    if (!answer || !await_end (reach, &look, error))
        return NULL;
    return look_result (&look, reach, FALSE);
}

/* The same from the qmpmig that steers: it is watched from before it is asked. */
static json_object *
cancel_at_steering (Reach *reach, GError **error)
{
    g_autoptr (Follow) following = follow_new (reach, error);
    g_autoptr (json_object) answer = following ? reach_ask (reach, "cancel", NULL, error) : NULL;

    if (!answer)
        return NULL;
    return follow_to_end (following, error);
}

/* A request, not an order: which end it came to is the answer. */
static ExitCode
tell (const CommandLine *line, Reach *reach, json_object *result)
{
    const char *outcome = qmp_peek_string (result, "outcome", "");
    const char *run_state = qmp_peek_string (result, "run_state", "not known");
    const char *text = qmp_peek_string (result, "text", "");
    gboolean is_here = g_str_equal (qmp_peek_string (result, "guest_runs_on", ""), "source");
    GError *error = NULL;

    if (is_here && command_global (line)->json) {
        record_print (result);
        return EXIT_DONE;
    }
    if (is_here) {
        record_say (line, "cancel", "%s: %s; the guest stays here (%s)", reach_vm (reach), outcome,
                    run_state);
        return EXIT_DONE;
    }
    migrate_fail (&error, EXIT_INTERNAL, "%s: the cancel came too late: %s: %s", reach_vm (reach),
                  outcome, text);
    return command_fail (line, error);
}

static ExitCode
run_cancel (const CommandLine *line)
{
    GError *error = NULL;
    g_autoptr (Reach) reach = reach_open (line, &error);
    g_autoptr (json_object) result = NULL;

    if (!reach)
        return command_fail (line, error);
    reach_vm (reach); /* asked while there is somebody to ask */
    result = (reach->control ? cancel_at_steering : cancel_at_qemu) (reach, &error);
    return result ? tell (line, reach, result) : reach_fail (reach, error);
}

const Command command_cancel = {
    .name = "cancel",
    .arguments = "",
    .summary = "call the migration off: the guest stays on the source",
    .description =
        "Asks for the migration to be cancelled, waits for its end, and says which came: it may\n"
        "have completed first. Refused in postcopy, where it would destroy the guest, and when no\n"
        "migration runs. Exits 0 when the guest stays here, 1 when it came too late.",
    .example = "  qmpmig --socket /run/web1.qmp cancel",
    .run = run_cancel,
};
