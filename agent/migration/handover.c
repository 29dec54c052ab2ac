/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* The handover. The guest stands still from pre-switchover on, so nothing here waits without need;
 * and from migrate-continue on the destination may get whole at any moment, so nothing here guesses
 * either. */
#include "agent/migration/error.h"
#include "agent/migration/migration.h"
#include "qmp/value.h"

static gboolean
fail_destination (const Migration *m, GError **error)
{
    return migrate_fail (error, EXIT_FAILED, "destination: the incoming migration failed%s%s",
                         m->destination_error ? ": " : "",
                         m->destination_error ? m->destination_error : "");
}

static gboolean
fail_source (const Migration *m, GError **error)
{
    return migrate_fail (error, EXIT_FAILED, "source: migrate: %s%s%s", m->status_text,
                         m->source_error ? ": " : "", m->source_error ? m->source_error : "");
}

static void
take_destination_error (Migration *m, json_object *reply)
{
    const char *desc = qmp_peek_string (reply, "error-desc", NULL);

    if (!desc)
        return;
    g_free (m->destination_error);
    m->destination_error = g_strdup (desc);
}

static gboolean
look_at_destination (Migration *m, gint64 timeout_us, MigrationStatus *ret_status, GError **error)
{
    g_autoptr (json_object) reply = NULL;

    if (!vm_query_status (m->destination, timeout_us, ret_status, &reply, error))
        return FALSE;
    take_destination_error (m, reply);
    return TRUE;
}

void
migration_ask_ahead (Migration *m)
{
    if (m->destination && !m->asked_ahead)
        m->asked_ahead =
            qmp_client_send (m->destination->client, "query-migrate", NULL, QMP_CALL_DEFAULT, NULL);
}

void
migration_forget_ahead (Migration *m)
{
    if (m->asked_ahead)
        qmp_client_forget (m->destination->client, m->asked_ahead);
    m->asked_ahead = 0;
}

/* As look_at_destination(), by the answer to what was asked when the guest had stopped. */
static gboolean
hear_destination (Migration *m, gint64 timeout_us, MigrationStatus *ret_status, GError **error)
{
    guint64 id = m->asked_ahead;
    g_autoptr (json_object) reply = NULL;

    if (!id)
        return look_at_destination (m, timeout_us, ret_status, error);
    m->asked_ahead = 0;
    reply = qmp_client_finish (m->destination->client, id, timeout_us, error);
    if (!reply || !vm_status_of (m->destination, reply, ret_status, error))
        return FALSE;
    take_destination_error (m, reply);
    return TRUE;
}

/* The source does not notice a dead destination while it waits for us, so we look. */
static gboolean
confirm_destination (Migration *m, GError **error)
{
    MigrationStatus status;

    if (!m->destination || m->status != STATUS_PRE_SWITCHOVER)
        return TRUE;
    if (!hear_destination (m, SWITCHOVER_ANSWER_US, &status, error))
        return FALSE;
    return status != STATUS_FAILED || fail_destination (m, error);
}

/* That the destination is about to be told to run, if it is ours to tell. */
static gboolean
announce (Migration *m, GError **error)
{
    return !m->destination || journal_step (m->journal, JOURNAL_TOLD_TO_RUN, error);
}

/* The journal's sync would lie inside the blackout: it is done while the source works. */
static gboolean
tell_source_to_continue (Migration *m, GError **error)
{
    guint64 id;

    if (m->status != STATUS_PRE_SWITCHOVER)
        return announce (m, error);
    if (m->cancel_wanted)
        return migrate_fail (error, EXIT_CANCELLED, "cancelled on request");
    id = qmp_client_send (m->source->client, "migrate-continue",
                          qmp_object ("state", json_object_new_string ("pre-switchover"), NULL),
                          QMP_CALL_DEFAULT, error);
    if (!id)
        return FALSE;
    m->continued = TRUE;
    /* A source that hangs at its destination does not answer in time; await_source sees to that. */
    qmp_client_forget (m->source->client, id);
    return announce (m, error);
}

/* Both ends may answer while the link between them is gone. */
static gboolean
check_progress (Migration *m, GError **error)
{
    return !migration_is_stalled (m) ||
           migrate_fail (error, EXIT_FAILED,
                         "the handover does not come to an end: nothing was sent for %.0f s",
                         (double)m->global->reply_timeout_us / G_USEC_PER_SEC);
}

/* Until the source says `completed`. In this phase a hung destination also blocks the source's
 * monitor, so the destination is asked first: its silence is the reason then. */
static gboolean
await_source (Migration *m, GError **error)
{
    m->progress_us = g_get_monotonic_time ();
    while (m->status != STATUS_COMPLETED) {
        MigrationStatus there;

        if (!migration_wait (m, g_get_monotonic_time () + SAMPLE_PERIOD_US, error))
            return FALSE;
        if (m->destination &&
            (!look_at_destination (m, m->global->reply_timeout_us, &there, error) ||
             (there == STATUS_FAILED && !fail_destination (m, error))))
            return FALSE;
        if (!migration_look (m, error))
            return FALSE;
        if (m->status == STATUS_FAILED || m->status == STATUS_CANCELLED)
            return fail_source (m, error);
        if (!check_progress (m, error))
            return FALSE;
    }
    return TRUE;
}

gboolean
migration_await_destination (Migration *m, GError **error)
{
    gint64 deadline_us = g_get_monotonic_time () + m->global->reply_timeout_us;

    for (;;) {
        MigrationStatus status;

        if (!look_at_destination (m, 0, &status, error))
            return FALSE;
        if (status == STATUS_COMPLETED)
            return TRUE;
        if (status == STATUS_FAILED)
            return fail_destination (m, error);
        if (g_get_monotonic_time () > deadline_us)
            return migrate_fail (error, EXIT_UNDECIDED,
                                 "destination: not complete %.0f s after the source was",
                                 (double)m->global->reply_timeout_us / G_USEC_PER_SEC);
        if (!migration_wait (m, g_get_monotonic_time () + SAMPLE_PERIOD_US, error))
            return FALSE;
    }
}

/* Who could not even be sent the command, or says no in its own words, has not been told. */
static gboolean
tell_to_run (Migration *m, GError **error)
{
    g_autoptr (json_object) reply = NULL;
    g_autoptr (GError) why = NULL;
    guint64 id;

    if (!journal_step (m->journal, JOURNAL_TOLD_TO_RUN, error))
        return FALSE;
    id = qmp_client_send (m->destination->client, "cont", NULL, QMP_CALL_DEFAULT, error);
    if (!id)
        return FALSE;
    m->told_to_run = TRUE;
    reply = qmp_client_finish (m->destination->client, id, 0, &why);
    if (reply)
        return TRUE;
    if (g_error_matches (why, QMP_ERROR, QMP_ERROR_REFUSED)) {
        m->refused_to_run = TRUE;
        m->told_to_run = FALSE;
    }
    g_propagate_error (error, g_steal_pointer (&why));
    return FALSE;
}

/* `cont`, and then seen: running, or ended by itself. */
static gboolean
let_run (Migration *m, GError **error)
{
    gint64 deadline_us = g_get_monotonic_time () + m->global->reply_timeout_us;

    if (!tell_to_run (m, error))
        return FALSE;
    for (;;) {
        g_autofree char *state = vm_query_run_state (m->destination, 0, error);

        if (!state || !migration_attend (m, error))
            return FALSE;
        g_free (m->result.run_state);
        m->result.run_state = g_steal_pointer (&state);
        m->ran_there = run_state_is_live (m->result.run_state);
        if (m->ran_there || run_state_is_ended (m->result.run_state))
            return TRUE;
        if (g_get_monotonic_time () > deadline_us)
            return migrate_fail (error, EXIT_UNDECIDED,
                                 "destination: cont: the guest's run state stays \"%s\"",
                                 m->result.run_state);
        if (!migration_wait (m, g_get_monotonic_time () + SAMPLE_PERIOD_US, error))
            return FALSE;
    }
}

/* A guest that ran is continued; any other arrives in the state it had, and that is success. */
gboolean
migration_run_destination (Migration *m, GError **error)
{
    g_autofree char *state = NULL;

    if (!m->destination)
        return TRUE;
    state = vm_query_run_state (m->destination, 0, error);
    if (!state)
        return FALSE;
    g_free (m->result.run_state);
    m->result.run_state = g_strdup (state);
    m->ran_there = run_state_is_live (state);
    if (m->was_live &&
        (g_str_equal (state, "paused") || g_str_equal (state, "prelaunch") ||
         g_str_equal (state, "inmigrate")) &&
        !let_run (m, error))
        return FALSE;
    return journal_step (m->journal, JOURNAL_ARRIVED, error);
}

gboolean
migration_hand_over (Migration *m, GError **error)
{
    return confirm_destination (m, error) && tell_source_to_continue (m, error) &&
           await_source (m, error) && (!m->destination || migration_await_destination (m, error)) &&
           migration_run_destination (m, error);
}
