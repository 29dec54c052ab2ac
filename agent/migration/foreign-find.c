/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Looks for an outgoing migration that somebody else started, or waits for one. */
#include "agent/host/guest-lock.h"
#include "agent/migration/error.h"
#include "agent/migration/launch.h"
#include "agent/migration/migration.h"
#include "qmp/value.h"

#define AWAIT_PERIOD_US (100 * G_TIME_SPAN_MILLISECOND)

/* What libvirt did not begin will not come; nor what it has ended already. */
static gboolean
is_launched_in_vain (const Migration *m)
{
    return m->launch && launch_is_over (m->launch);
}

/* It came and went between two looks: it is not as we found it. */
static gboolean
is_past (const Migration *m)
{
    return m->launch && m->status != m->source->status && status_is_terminal (m->status);
}

/* Events of before are nobody's: the record has not begun. */
static gboolean
pause_for (Migration *m, gint64 deadline_us, GError **error)
{
    while (!g_cancellable_is_cancelled (m->leave) && !is_launched_in_vain (m) &&
           !qmp_client_broken (m->source->client) &&
           qmp_context_iterate (m->context, deadline_us)) {
        migration_answer_requests (m);
        for (;;) {
            g_autoptr (QmpEvent) event = qmp_client_take_event (m->source->client, NULL);

            if (!event)
                break;
        }
    }
    return !g_cancellable_is_cancelled (m->leave) ||
           qmp_fail (error, QMP_ERROR_CANCELLED, "asked to leave");
}

/* In postcopy the guest runs at the receiving end only. */
static gboolean
is_receiving (const Migration *m, MigrationStatus status, const char *run_state)
{
    return vm_is_incoming (m->source) || g_strcmp0 (run_state, "inmigrate") == 0 ||
           (status_is_postcopy (status) && run_state_is_live (run_state));
}

static gboolean
look_once (Migration *m, gboolean *ret_found, GError **error)
{
    MigrationStatus status;
    g_autoptr (json_object) reply = NULL;

    if (!vm_query_status (m->source, 0, &status, &reply, error))
        return FALSE;
    g_free (m->source_run_state);
    m->source_run_state = vm_query_run_state (m->source, 0, error);
    if (!m->source_run_state)
        return FALSE;
    m->status = status;
    *ret_found = status_is_running (status);
    if (is_receiving (m, status, m->source_run_state))
        return migrate_fail (error, EXIT_REFUSED,
                             "%s: steer: this is the receiving end; a migration is steered at its "
                             "source",
                             vm_title (m->source));
    if (*ret_found) /* how long it has been going on */
        m->migrate_us = g_get_monotonic_time () -
                        (gint64)MIN (qmp_peek_uint (reply, "total-time", 0), G_MAXINT32) * 1000;
    return TRUE;
}

gboolean
migration_lock_foreign (Migration *m, GError **error)
{
    const Vm *vm = m->source;

    if (m->helm.observes || m->options->dry_run || m->lock)
        return TRUE;
    m->lock = guest_lock_take (vm->uuid, vm->is_qemu_process ? qmp_client_peer_pid (vm->client) : 0,
                               m->global->socket, error);
    return m->lock != NULL;
}

gboolean
migration_libvirt_is_away (const Migration *m, const GError *why, gint64 *away_us)
{
    gint64 now_us = g_get_monotonic_time ();

    if (!qmp_address_is_libvirt (m->global->socket) ||
        !g_error_matches (why, QMP_ERROR, QMP_ERROR_TIMEOUT))
        return FALSE;
    if (*away_us == 0)
        *away_us = now_us;
    return now_us - *away_us < LIBVIRT_PATIENCE_US;
}

gboolean
migration_find_foreign (Migration *m, gboolean waits, GError **error)
{
    gboolean found = FALSE;
    gint64 away_us = 0;

    for (;;) {
        g_autoptr (GError) why = NULL;

        if (!look_once (m, &found, &why)) {
            if (waits && !is_launched_in_vain (m) && migration_libvirt_is_away (m, why, &away_us))
                continue;
            g_propagate_error (error, g_steal_pointer (&why));
            return FALSE;
        }
        away_us = 0;
        if (found || is_launched_in_vain (m) || is_past (m))
            return TRUE;
        if (!waits)
            return migrate_fail (error, EXIT_REFUSED,
                                 "%s: steer: no migration runs; --wait waits for one",
                                 vm_title (m->source));
        if (!pause_for (m, g_get_monotonic_time () + AWAIT_PERIOD_US, error) ||
            !migration_outwait_launch (m, error))
            return FALSE;
    }
}
