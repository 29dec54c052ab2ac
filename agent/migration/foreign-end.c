/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* What came of a migration that somebody else started, as far as its source tells. */
#include "agent/migration/error.h"
#include "agent/migration/migration.h"
#include "qmp/value.h"

/* `failed` may come before RESUME. */
static gboolean
is_back (Migration *m)
{
    gint64 deadline_us = g_get_monotonic_time () + RESUME_PATIENCE_US;

    for (;;) {
        g_autofree char *state = vm_query_run_state (m->source, 0, NULL);

        if (!state)
            return FALSE;
        g_free (m->result.run_state);
        m->result.run_state = g_strdup (state);
        if (!m->was_live || run_state_is_live (state))
            return TRUE;
        if (g_get_monotonic_time () >= deadline_us ||
            !migration_wait (m, g_get_monotonic_time () + SAMPLE_PERIOD_US, NULL))
            return FALSE;
    }
}

static void
conclude_completed (Migration *m)
{
    migration_set_result (m, OUTCOME_HANDED_OVER, EXIT_DONE, "destination",
                          "the source has completed; the guest is at the destination, which was "
                          "not observed");
}

static void
conclude_ended (Migration *m)
{
    gboolean cancelled = m->status == STATUS_CANCELLED;
    const char *place = is_back (m) ? "source" : "unknown";

    if (cancelled) {
        migration_set_result (m, OUTCOME_CANCELLED, EXIT_CANCELLED, place,
                              "whoever started the migration has cancelled it");
        return;
    }
    migrate_fail (&m->result.error, EXIT_FAILED, "source: migrate: %s%s%s", m->status_text,
                  m->source_error ? ": " : "", m->source_error ? m->source_error : "");
    migration_set_result (m, OUTCOME_FAILED, EXIT_FAILED, place, "%s", m->result.error->message);
}

static void
conclude_paused (Migration *m)
{
    migration_set_result (
        m, OUTCOME_POSTCOPY_PAUSED, EXIT_POSTCOPY_PAUSED, "both-halves",
        "the link broke in postcopy; whoever started the migration can recover it");
    migration_add_command (m, "qmpmig --socket %s recover --dest-socket DESTINATION",
                           m->global->socket->text);
}

static void
conclude_status (Migration *m)
{
    if (m->status == STATUS_COMPLETED)
        conclude_completed (m);
    else if (m->status == STATUS_POSTCOPY_PAUSED)
        conclude_paused (m);
    else
        conclude_ended (m);
}

/* Libvirt ends the source's QEMU as soon as it has completed. */
static void
conclude_broken (Migration *m, GError *error)
{
    migration_attend (m, NULL); /* what it said last */
    if (m->told_completed) {
        conclude_completed (m);
        g_error_free (error);
        return;
    }
    m->result.error = error;
    if (vm_is_proven_dead (m->source) && (m->status == STATUS_SETUP || m->status == STATUS_ACTIVE))
        migration_set_result (m, OUTCOME_GUEST_ENDED, EXIT_GUEST_ENDED, "nowhere",
                              "the source's QEMU ended while the guest was there: %s",
                              error->message);
    else
        migration_set_result (m, OUTCOME_FAILED, EXIT_UNREACHABLE, "unknown",
                              "the source does not answer any more: %s", error->message);
}

static void
conclude_left (Migration *m)
{
    gboolean changed = json_object_object_length (m->set_by_us) > 0;

    migration_set_result (m, OUTCOME_LEFT, EXIT_LEFT,
                          status_is_postcopy (m->status) ? "both-halves" : "source",
                          changed ? "the migration goes on with what is set now"
                                  : "the migration goes on, nothing was changed");
}

/* What is still as we set it, and was not when we came. */
static json_object *
ours (Migration *m, json_object *found)
{
    g_autoptr (json_object) now = migration_query_parameters (m, NULL);
    json_object *back = json_object_new_object ();

    if (!now)
        return back;
    json_object_object_foreach (m->set_by_us, name, value) {
        json_object *old = qmp_peek (found, name);

        if (old && !json_object_equal (old, value) &&
            json_object_equal (qmp_peek (now, name), value))
            json_object_object_add (back, name, json_object_get (old));
    }
    return back;
}

/* For the next one, where there will be one. */
void
migration_restore_foreign (Migration *m, json_object *found)
{
    json_object *parameters;

    if (m->helm.observes || g_strcmp0 (m->result.guest_runs_on, "source") != 0 ||
        m->result.outcome == OUTCOME_LEFT)
        return;
    parameters = ours (m, found);
    if (json_object_object_length (parameters) > 0) {
        m->before[END_SOURCE] = qmp_object ("parameters", json_object_get (parameters), NULL);
        m->touched = TRUE;
        migration_put_back (m);
    }
    json_object_put (parameters);
}

void
migration_conclude_foreign (Migration *m, GError *why, json_object *found)
{
    if (!why)
        conclude_status (m);
    else if (g_error_matches (why, QMP_ERROR, QMP_ERROR_CANCELLED)) {
        g_error_free (why);
        conclude_left (m);
    } else
        conclude_broken (m, why);
    migration_restore_foreign (m, found);
}
