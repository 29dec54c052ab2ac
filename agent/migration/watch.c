/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Waiting and looking: events to the record, requests answered, samples taken. */
#include "agent/migration/error.h"
#include "agent/migration/migration.h"
#include "qmp/value.h"

static void
set_run_state (Migration *m, const char *state)
{
    g_free (m->source_run_state);
    m->source_run_state = g_strdup (state);
}

/* QEMU (10.0) resumes a source whose link breaks after postcopy's last page, although the guest
 * runs at the destination. */
static void
stop_stray_source (Migration *m)
{
    gboolean is_there = m->destination ? m->told_to_run : m->status == STATUS_POSTCOPY_ACTIVE;
    guint64 id;

    if (!m->postcopy_sent || !is_there || m->is_foreign)
        return;
    id = qmp_client_send (m->source->client, "stop", NULL, QMP_CALL_DEFAULT, NULL);
    if (id)
        qmp_client_forget (m->source->client, id);
    m->we_stopped = TRUE;
    migration_notice (
        m, "warning", "stray-source",
        "the source's QEMU resumed a guest that is at the destination: stopped again");
}

static void
note_source_event (Migration *m, const QmpEvent *event)
{
    if (g_str_equal (event->name, "STOP")) {
        m->stop_us = event->received_us;
        set_run_state (m, "paused");
    } else if (g_str_equal (event->name, "RESUME")) {
        m->stop_us = 0;
        set_run_state (m, "running");
        stop_stray_source (m);
    } else if (g_str_equal (event->name, "SHUTDOWN") ||
               g_str_equal (event->name, "GUEST_PANICKED")) {
        g_free (m->guest_event);
        m->guest_event = g_strdup (event->name);
    } else if (g_str_equal (event->name, "MIGRATION")) {
        const char *status = qmp_peek_string (event->message, "data.status", "");

        m->told_completed = g_str_equal (status, "completed");
        m->told_switchover = g_str_equal (status, "pre-switchover");
    }
}

/* The first RESUME after STOP ends the blackout. */
static void
note_destination_event (Migration *m, const QmpEvent *event)
{
    if (g_str_equal (event->name, "RESUME") && m->resume_us == 0)
        m->resume_us = event->received_us;
    else if (g_str_equal (event->name, "STOP") && !m->told_to_run)
        m->resume_us = 0;
}

static void
take_events (Migration *m, Vm *vm)
{
    if (!vm)
        return;
    for (;;) {
        g_autoptr (QmpEvent) event = qmp_client_take_event (vm->client, NULL);
        json_object *data, *line;

        if (!event)
            return;
        m->tracker.why |= QMPMIG_WHY_EVENT;
        if (vm->end == END_SOURCE)
            note_source_event (m, event);
        else
            note_destination_event (m, event);
        line = qmp_object ("end", json_object_new_string (end_name (vm->end)), "name",
                           json_object_new_string (event->name), NULL);
        data = qmp_peek (event->message, "data");
        if (event->timestamp_us >= 0)
            json_object_object_add (line, "timestamp_us",
                                    json_object_new_int64 (event->timestamp_us));
        if (data)
            json_object_object_add (line, "data", json_object_get (data));
        migration_post (m, "event", line);
    }
}

gboolean
migration_attend (Migration *m, GError **error)
{
    take_events (m, m->source);
    take_events (m, m->destination);
    migration_answer_requests (m);
    return !g_cancellable_is_cancelled (m->leave) ||
           qmp_fail (error, QMP_ERROR_CANCELLED, "asked to leave");
}

static gboolean
has_news (const Migration *m)
{
    return (m->source && qmp_client_has_event (m->source->client)) ||
           (m->destination && qmp_client_has_event (m->destination->client));
}

gboolean
migration_wait (Migration *m, gint64 deadline_us, GError **error)
{
    gboolean is_over = has_news (m); /* what came while something else was waited for */

    if (!migration_attend (m, error))
        return FALSE;
    /* A request wakes the context without an event: one more look does no harm. */
    while (!is_over && !has_news (m) && !g_cancellable_is_cancelled (m->leave) &&
           !m->cancel_wanted && qmp_context_iterate (m->context, deadline_us) &&
           g_get_monotonic_time () < deadline_us)
        migration_answer_requests (m);
    return migration_attend (m, error);
}

static void
take_status (Migration *m, MigrationStatus status, json_object *reply)
{
    const char *desc = qmp_peek_string (reply, "error-desc", NULL);

    m->status = status;
    g_free (m->status_text);
    m->status_text = g_strdup (qmp_peek_string (reply, "status", "none"));
    if (desc) {
        g_free (m->source_error);
        m->source_error = g_strdup (desc);
    }
}

/* From there it goes on at our word only (or at that of somebody who cancels it, and then it
 * refuses ours), so no answer could say more; and it would come late: QEMU is busy with its guest's
 * end. */
gboolean
migration_is_told (Migration *m)
{
    if (!m->told_switchover)
        return FALSE;
    m->told_switchover = FALSE; /* who comes by once more has to look */
    m->status = STATUS_PRE_SWITCHOVER;
    g_free (m->status_text);
    m->status_text = g_strdup ("pre-switchover");
    return TRUE;
}

/* An orderly sequence of looks is what the tracker and the record want; a terminal status may lack
 * numbers, the last ones stand then. */
gboolean
migration_look (Migration *m, GError **error)
{
    g_autoptr (json_object) reply = NULL;
    MigrationStatus status;
    Sample sample;

    if (!vm_query_status (m->source, 0, &status, &reply, error))
        return FALSE;
    take_status (m, status, reply);
    sample = m->tracker.last;
    sample_read_migrate (&sample, &m->tracker.outlook, reply);
    sample_read_parameters (&sample, m->source->parameters);
    sample_take_run_state (&sample, m->source_run_state);
    m->tracker.postcopy = status_is_postcopy (status);
    sample.may = migration_knobs (m);
    migration_see_surroundings (m, &sample);
    tracker_take (&m->tracker, &sample, &m->limits,
                  m->migrate_us ? (guint64)(g_get_monotonic_time () - m->migrate_us) : 0);
    if (m->tracker.outlook.downtime_us != SAMPLE_UNKNOWN)
        m->qemu_downtime_us = m->tracker.outlook.downtime_us;
    if (status != STATUS_SETUP)
        migration_post_sample (m, &sample);
    return TRUE;
}

gboolean
migration_is_stalled (Migration *m)
{
    const Sample *s = &m->tracker.last;
    guint64 mark = s->sent_bytes + s->remaining_bytes + s->vfio_bytes + s->postcopy_requests +
                   (guint64)m->status;
    gint64 now_us = g_get_monotonic_time ();

    if (mark == m->progress_mark && now_us - m->progress_us < m->global->reply_timeout_us)
        return FALSE;
    m->progress_us = now_us;
    if (mark == m->progress_mark)
        return TRUE;
    m->progress_mark = mark;
    return FALSE;
}

gboolean
migration_check_progress (Migration *m, GError **error)
{
    double seconds = (double)m->global->reply_timeout_us / G_USEC_PER_SEC;
    g_autofree char *state = NULL;
    g_autoptr (GError) why = NULL;

    if (!migration_is_stalled (m))
        return TRUE;
    if (m->status == STATUS_SETUP)
        return migrate_fail (error, EXIT_FAILED,
                             "source: migrate: no connection to %s within %.0f s",
                             m->uri ? m->uri->text : "the destination", seconds);
    migration_notice (m, "warning", "no-progress", "nothing was sent for %.0f s", seconds);
    if (!m->destination)
        return TRUE;
    state = vm_query_run_state (m->destination, SWITCHOVER_ANSWER_US, &why);
    return state || migrate_fail (error, EXIT_FAILED,
                                  "nothing moves, and the destination hangs: %s", why->message);
}

static void
post_applied (Migration *m, json_object *parameters, GPtrArray *changed, const char *answer)
{
    json_object *line = qmp_object ("parameters", json_object_get (parameters), "answer",
                                    json_object_new_string (answer), NULL);
    json_object *list;

    if (changed && changed->len > 0) {
        list = json_object_new_array ();
        for (guint i = 0; i < changed->len; i++)
            json_object_array_add (list, json_object_new_string (g_ptr_array_index (changed, i)));
        json_object_object_add (line, "changed_by_guard", list);
    }
    migration_post (m, "applied", line);
}

void
migration_note_set (Migration *m, Vm *vm, json_object *parameters)
{
    json_object_object_foreach (parameters, name, value) {
        json_object_object_add (vm->parameters, name, json_object_get (value));
        if (m->set_by_us)
            json_object_object_add (m->set_by_us, name, json_object_get (value));
    }
}

gboolean
migration_apply (Migration *m, json_object *arguments, GPtrArray *changed, GError **error)
{
    g_autoptr (json_object) kept = json_object_get (arguments);
    g_autoptr (GError) why = NULL;
    gboolean ok = TRUE;

    if (m->helm.observes) { /* whatever else is forgotten above */
        json_object_put (arguments);
        return TRUE;
    }
    if (json_object_object_length (kept) > 0)
        ok = vm_tell (m->source, "migrate-set-parameters", arguments, &why);
    else
        json_object_put (arguments);
    post_applied (m, kept, changed, ok ? "ok" : why->message);
    if (!ok) {
        /* A knob that QEMU does not turn is no reason to give up the move. */
        if (g_error_matches (why, QMP_ERROR, QMP_ERROR_REFUSED)) {
            migration_notice (m, "warning", "refused-parameter", "%s", why->message);
            return TRUE;
        }
        g_propagate_error (error, g_steal_pointer (&why));
        return FALSE;
    }
    migration_note_set (m, m->source, kept);
    return TRUE;
}

gboolean
migration_pause_guest (Migration *m, GError **error)
{
    if (!journal_step (m->journal, JOURNAL_STOPPED, error))
        return FALSE;
    m->we_stopped = TRUE;
    if (!vm_tell (m->source, "stop", NULL, error))
        return FALSE;
    set_run_state (m, "paused"); /* the event may still be under way */
    return TRUE;
}
