/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* What came of a migration that libvirt ran for us. It tells when its call comes back, which it
 * does not have to: libvirtd may hang, or the one at the other end. */
#include "agent/migration/error.h"
#include "agent/migration/launch.h"
#include "agent/migration/migration.h"

/* By the default --reply-timeout 2 min: it has still to end the one QEMU and to start the guest in
 * the other. */
#define LIBVIRT_ENDING_ANSWERS 12

static gint64
ending_us (const Migration *m)
{
    return LIBVIRT_ENDING_ANSWERS * m->global->reply_timeout_us;
}

/* The source's QEMU may be gone before libvirt has the guest running over there. FALSE: asked to
 * leave. */
static gboolean
await_libvirt (Migration *m, GError **error)
{
    gint64 deadline_us = g_get_monotonic_time () + ending_us (m);

    while (!launch_is_over (m->launch) && g_get_monotonic_time () < deadline_us) {
        migration_abort_launch (m, NULL);
        if (!migration_wait (m, MIN (g_get_monotonic_time () + SAMPLE_PERIOD_US, deadline_us),
                             error))
            return FALSE;
    }
    return TRUE;
}

static void
conclude_moved (Migration *m)
{
    m->result.run_state = g_strdup (m->was_live ? "running" : "paused");
    migration_set_result (m, OUTCOME_COMPLETED, EXIT_DONE, "destination",
                          "libvirt has moved it to %s", m->options->uri);
}

static void
conclude_undecided (Migration *m)
{
    migration_set_result (m, OUTCOME_UNDECIDED, EXIT_UNDECIDED, "unknown", "%s",
                          m->result.error->message);
    migration_add_check (m,
                         "`virsh domstate %s` here, and at %s: libvirt decides which of them runs",
                         m->global->socket->domain, m->options->uri);
}

/* Libvirt resumes it at the source, unless it may run elsewhere. One that was aborted for it did
 * not begin has failed: nobody wished that. */
static void
conclude_failed (Migration *m, const GError *why)
{
    g_autofree char *state = vm_query_run_state (m->source, 0, NULL);
    gboolean is_here = state && (!m->was_live || run_state_is_live (state));
    /* It ends the receiving QEMU first, and the source may call that a broken link. */
    gboolean is_aborted =
        m->abort_sent || why->code == LIBVIRT_ERROR_ABORTED || m->status == STATUS_CANCELLED;

    m->result.run_state = g_steal_pointer (&state);
    if (is_aborted && is_here && !m->launch_is_late) {
        migration_set_result (m, OUTCOME_CANCELLED, EXIT_CANCELLED, "source",
                              "libvirt has aborted it");
        return;
    }
    migrate_fail (&m->result.error, EXIT_FAILED, "libvirt: %s", why->message);
    if (is_here)
        migration_set_result (m, OUTCOME_FAILED, EXIT_FAILED, "source", "%s",
                              m->result.error->message);
    else
        conclude_undecided (m);
}

static void
conclude_silence (Migration *m)
{
    migrate_fail (
        &m->result.error, EXIT_UNDECIDED, "libvirt has not said within %.0f s what came of it%s",
        (double)ending_us (m) / G_USEC_PER_SEC,
        m->told_completed || m->status == STATUS_COMPLETED ? "; the source has completed" : "");
    conclude_undecided (m);
}

/* It has lost sight of it, but the source said enough. */
static gboolean
is_seen_through (const Migration *m, const GError *error)
{
    return error && error->code == LIBVIRT_ERROR_UNREACHABLE &&
           (m->told_completed || m->status == STATUS_COMPLETED);
}

void
migration_conclude_launch (Migration *m, GError *why, json_object *found)
{
    g_autoptr (GError) owned = why;
    const GError *error;

    if (g_error_matches (owned, QMP_ERROR, QMP_ERROR_CANCELLED) ||
        !await_libvirt (m, owned ? NULL : &owned)) {
        migration_conclude_foreign (m, g_steal_pointer (&owned), found);
        return;
    }
    error = launch_is_over (m->launch) ? launch_error (m->launch) : NULL;
    if (is_seen_through (m, error)) {
        migration_conclude_foreign (m, g_steal_pointer (&owned), found);
        return;
    }
    if (!launch_is_over (m->launch))
        conclude_silence (m);
    else if (!error)
        conclude_moved (m);
    else
        conclude_failed (m, m->launch_is_late ? owned : error);
    /* Libvirt restores only what it knows of. */
    migration_restore_foreign (m, found);
}
