/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "agent/commands/postcopy-switch.h"

#include "agent/commands/record.h"
#include "agent/migration/error.h"

/* How long QEMU may take to switch. */
#define PATIENCE_US (10 * G_USEC_PER_SEC)
#define LOOK_US     (50 * 1000)

gboolean
postcopy_check (Reach *reach, const Look *look, GError **error)
{
    const char *vm = reach_vm (reach);
    gboolean is_armed = FALSE;

    if (look->is_destination)
        return migrate_fail (error, EXIT_REFUSED,
                             "%s: postcopy: this is the receiving end; the source switches", vm);
    if (status_is_postcopy (look->status))
        return migrate_fail (error, EXIT_REFUSED, "%s: postcopy: it has switched already (%s)", vm,
                             look->word);
    if (!status_is_running (look->status))
        return migrate_fail (error, EXIT_REFUSED, "%s: postcopy: no migration runs (QEMU: %s)", vm,
                             look->word);
    if (!look_has_capability (reach, "postcopy-ram", &is_armed, error))
        return FALSE;
    if (!is_armed)
        return migrate_fail (error, EXIT_REFUSED,
                             "%s: postcopy: refused: postcopy-ram is off, and had to be switched "
                             "on at both ends before the migration began",
                             vm);
    return TRUE;
}

/* The status in which it has switched, or cannot any more, or waits for somebody. */
static gboolean
await_switch (Reach *reach, Look *look, GError **error)
{
    gint64 deadline_us = g_get_monotonic_time () + PATIENCE_US;
    gboolean waits = FALSE;

    for (;;) {
        if (!look_take (reach, look, error))
            return FALSE;
        if (look->status == STATUS_PRE_SWITCHOVER && !switchover_continue (reach, &waits, error))
            return FALSE;
        if (waits || status_is_postcopy (look->status) || !status_is_running (look->status))
            return TRUE;
        if (g_get_monotonic_time () >= deadline_us)
            return migrate_fail (error, EXIT_LEFT,
                                 "%s: postcopy: QEMU has taken it, but is still %s after 10 s",
                                 reach_vm (reach), look->word);
        g_usleep (LOOK_US);
    }
}

static void
say_unobserved (Reach *reach)
{
    record_say (reach->line, "not-observed",
                "%s: the destination is not observed from here. If its QEMU was started with -S, "
                "the guest stands still there until `cont`; a cancel is not possible any more; if "
                "the connection breaks, `qmpmig recover` brings it to its end",
                reach_vm (reach));
}

static gboolean
say_switched (Reach *reach, const Look *look, GError **error)
{
    const char *vm = reach_vm (reach);

    if (look->status == STATUS_COMPLETED)
        record_say (reach->line, "completed", "%s: the migration is completed", vm);
    else if (!status_is_running (look->status))
        return migrate_fail (error, EXIT_FAILED, "%s: postcopy: the migration ended: %s", vm,
                             look->word);
    else if (status_is_postcopy (look->status))
        record_say (reach->line, "postcopy", "%s: switched to postcopy (%s)", vm, look->word);
    return TRUE;
}

gboolean
postcopy_switch (Reach *reach, GError **error)
{
    g_auto (Look) look = { 0 };
    g_autoptr (json_object) answer = NULL;

    say_unobserved (reach);
    answer = reach_qmp (reach, "migrate-start-postcopy", NULL, error);
    return answer && await_switch (reach, &look, error) && say_switched (reach, &look, error);
}

static void
warn_waiting (Reach *reach)
{
    record_warn (reach->line, "pre-switchover",
                 "%s: QEMU stands in pre-switchover with the guest stopped, and its disks are "
                 "being copied. When that is done: qmpmig --socket %s qmp migrate-continue "
                 "'{\"state\": \"pre-switchover\"}'",
                 reach_vm (reach), reach->global->socket->text);
}

gboolean
switchover_continue (Reach *reach, gboolean *ret_waits, GError **error)
{
    g_autoptr (json_object) jobs = reach_qmp (reach, "query-block-jobs", NULL, error);
    g_autoptr (json_object) answer = NULL;

    if (!jobs)
        return FALSE;
    if (qmp_length (jobs) > 0) {
        warn_waiting (reach);
        *ret_waits = TRUE;
        return TRUE;
    }
    answer =
        reach_qmp (reach, "migrate-continue",
                   qmp_object ("state", json_object_new_string ("pre-switchover"), NULL), error);
    return answer != NULL;
}
