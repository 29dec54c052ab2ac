/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Postcopy: the guest runs at the destination while the rest of its memory follows. From the switch
 * on it lives on both halves: no cancel, no way back, but a broken link only pauses it. */
#include "agent/migration/error.h"
#include "agent/migration/migration.h"
#include "qmp/value.h"

#define LISTEN_PATIENCE_US (2 * G_TIME_SPAN_SECOND)

static gboolean
fail_on_source (const Migration *m, GError **error)
{
    return migrate_fail (error, EXIT_FAILED, "source: postcopy: %s%s%s", m->status_text,
                         m->source_error ? ": " : "", m->source_error ? m->source_error : "");
}

static gboolean
continue_source (Migration *m, GError **error)
{
    m->continued = TRUE;
    return vm_tell (m->source, "migrate-continue",
                    qmp_object ("state", json_object_new_string ("pre-switchover"), NULL), error);
}

/* The switch is a request; it is done when the source reports postcopy, or had nothing left. */
static gboolean
await_switch (Migration *m, GError **error)
{
    gint64 deadline_us = g_get_monotonic_time () + 3 * m->global->reply_timeout_us;

    for (;;) {
        if (!migration_wait (m, g_get_monotonic_time () + SAMPLE_PERIOD_US, error) ||
            !migration_look (m, error))
            return FALSE;
        if (status_is_postcopy (m->status) || m->status == STATUS_COMPLETED)
            return TRUE;
        if (m->status == STATUS_FAILED || m->status == STATUS_CANCELLED)
            return fail_on_source (m, error);
        if (m->status == STATUS_PRE_SWITCHOVER && !m->continued && !continue_source (m, error))
            return FALSE;
        if (g_get_monotonic_time () > deadline_us)
            return migrate_fail (error, EXIT_FAILED,
                                 "source: migrate-start-postcopy: status still \"%s\"",
                                 m->status_text);
    }
}

gboolean
migration_switch_to_postcopy (Migration *m, GError **error)
{
    m->postcopy_wanted = FALSE;
    if (!journal_step (m->journal, JOURNAL_OWNED, error))
        return FALSE;
    m->postcopy_sent = TRUE;
    return vm_tell (m->source, "migrate-start-postcopy", NULL, error) && await_switch (m, error);
}

static gboolean
is_at_destination (Migration *m, gboolean *ret_is, GError **error)
{
    MigrationStatus status;

    if (!vm_query_status (m->destination, 0, &status, NULL, error))
        return FALSE;
    if (status == STATUS_FAILED)
        return migrate_fail (error, EXIT_FAILED, "destination: postcopy: failed");
    *ret_is = status == STATUS_POSTCOPY_ACTIVE || status == STATUS_COMPLETED;
    return TRUE;
}

/* A destination that was told `stop` holds the guest still through the whole of postcopy. */
static gboolean
let_run_at_destination (Migration *m, GError **error)
{
    gint64 deadline_us = g_get_monotonic_time () + m->global->reply_timeout_us;
    gboolean there = FALSE;

    if (!m->destination)
        return TRUE;
    for (;;) {
        if (!is_at_destination (m, &there, error))
            return FALSE;
        if (there) {
            if (!migration_run_destination (m, error))
                return FALSE;
            migration_stay_no_longer (m);
            return TRUE;
        }
        if (!migration_look (m, error))
            return FALSE;
        if (m->status == STATUS_POSTCOPY_PAUSED)
            return TRUE; /* whoever recovers it lets it run */
        if (g_get_monotonic_time () > deadline_us)
            return migrate_fail (error, EXIT_POSTCOPY_PAUSED,
                                 "destination: it does not report postcopy");
        if (!migration_wait (m, g_get_monotonic_time () + 20 * G_TIME_SPAN_MILLISECOND, error))
            return FALSE;
    }
}

/* Out-of-band: the destination's main loop may itself be waiting for a page. */
static gboolean
call_destination (Migration *m, const char *command, json_object *arguments, GError **error)
{
    g_autoptr (json_object) reply =
        qmp_client_call_full (m->destination->client, command, arguments, QMP_CALL_OOB, 0, error);

    return reply != NULL;
}

/* Refused at first: by a destination that has not noticed the broken link, which is told then, and
 * by a port whose old listener QEMU's main loop still holds for a moment. */
static gboolean
listen_again (Migration *m, GError **error)
{
    g_autofree char *uri = migration_uri_listen_text (m->uri);
    gint64 deadline_us = g_get_monotonic_time () + LISTEN_PATIENCE_US;
    g_autoptr (GError) why = NULL;

    for (;;) {
        g_clear_error (&why);
        if (call_destination (m, "migrate-recover",
                              qmp_object ("uri", json_object_new_string (uri), NULL), &why))
            return !m->journal || journal_note (m->journal, "listens", uri, error);
        if (!g_error_matches (why, QMP_ERROR, QMP_ERROR_REFUSED) ||
            g_get_monotonic_time () > deadline_us)
            break;
        call_destination (m, "migrate-pause", NULL, NULL);
        if (!migration_wait (m, g_get_monotonic_time () + SAMPLE_PERIOD_US, error))
            return FALSE;
    }
    g_propagate_error (error, g_steal_pointer (&why));
    return FALSE;
}

/* A destination whose main loop waits for a page takes no new client, so who recovers it later
 * could not make it listen: we do, as long as we are its client. An old QEMU takes one such order
 * only, and gets it only in need. */
static void
leave_it_listening (Migration *m)
{
    MigrationStatus status;
    g_autoptr (GError) why = NULL;

    if (!m->destination || !migration_uri_has_channels (m->uri) ||
        qmp_client_broken (m->destination->client))
        return;
    if (!vm_can_outlive_failure (m->destination) &&
        vm_query_status (m->destination, SETTLE_ANSWER_US, &status, NULL, NULL))
        return;
    if (!listen_again (m, &why))
        migration_notice (m, "warning", "not-listening", "%s", why->message);
}

static gboolean
await_rest (Migration *m, GError **error)
{
    for (;;) {
        if (!migration_look (m, error))
            return FALSE;
        if (m->status == STATUS_COMPLETED)
            return TRUE;
        if (m->status == STATUS_POSTCOPY_PAUSED) {
            leave_it_listening (m);
            return migrate_fail (error, EXIT_POSTCOPY_PAUSED, "the link broke in postcopy%s%s",
                                 m->source_error ? ": " : "",
                                 m->source_error ? m->source_error : "");
        }
        if (m->status == STATUS_FAILED || m->status == STATUS_CANCELLED)
            return fail_on_source (m, error);
        if (m->destination && qmp_client_broken (m->destination->client))
            return migrate_fail (error, EXIT_FAILED, "%s",
                                 qmp_client_broken (m->destination->client)->message);
        if (!migration_check_progress (m, error) ||
            !migration_wait (m, g_get_monotonic_time () + SAMPLE_PERIOD_US, error))
            return FALSE;
    }
}

gboolean
migration_finish_postcopy (Migration *m, GError **error)
{
    if (!let_run_at_destination (m, error) || !await_rest (m, error))
        return FALSE;
    return !m->destination ||
           (migration_await_destination (m, error) && migration_run_destination (m, error));
}

/* Does it listen there as we left it? A client that it took in can see to that again. */
static gboolean
make_listen (Migration *m, GError **error)
{
    g_autofree char *uri = migration_uri_listen_text (m->uri);
    const char *left =
        m->journal ? qmp_peek_string (journal_facts (m->journal), "listens", "") : "";
    g_autoptr (GError) why = NULL;

    if (!m->destination || listen_again (m, &why))
        return !m->destination || migration_take_real_port (m, error);
    if (g_error_matches (why, QMP_ERROR, QMP_ERROR_REFUSED) && g_str_equal (uri, left))
        return TRUE;
    g_propagate_error (error, g_steal_pointer (&why));
    return FALSE;
}

static gboolean
fail_to_resume (const Migration *m, GError **error)
{
    return migrate_fail (error, EXIT_POSTCOPY_PAUSED, "source: migrate with resume: %s%s%s",
                         m->status_text, m->source_error ? ": " : "",
                         m->source_error ? m->source_error : "");
}

/* An attempt that failed leaves the source paused, with a reason, if it ever went on from there. */
static gboolean
await_resumed (Migration *m, GError **error)
{
    gint64 now_us = g_get_monotonic_time ();
    gint64 early_us = now_us + G_TIME_SPAN_SECOND;
    gint64 deadline_us = now_us + m->global->reply_timeout_us;

    do {
        if (!migration_wait (m, g_get_monotonic_time () + SAMPLE_PERIOD_US, error) ||
            !migration_look (m, error))
            return FALSE;
        if (m->status == STATUS_POSTCOPY_ACTIVE || m->status == STATUS_COMPLETED)
            return TRUE;
        if (m->status == STATUS_POSTCOPY_PAUSED && m->source_error &&
            g_get_monotonic_time () > early_us)
            break;
    } while (g_get_monotonic_time () < deadline_us);
    return fail_to_resume (m, error);
}

gboolean
migration_recover_postcopy (Migration *m, GError **error)
{
    if (!migration_uri_has_channels (m->uri))
        return migrate_fail (error, EXIT_POSTCOPY_PAUSED,
                             "%s cannot be opened again: give a tcp: or unix: URI to recover over",
                             m->uri->text);
    g_clear_pointer (&m->source_error, g_free);
    if (!make_listen (m, error) ||
        !vm_tell (m->source, "migrate",
                  qmp_object ("uri", json_object_new_string (m->uri->text), "resume",
                              json_object_new_boolean (TRUE), NULL),
                  error) ||
        !await_resumed (m, error))
        return FALSE;
    migration_see_destination (m);
    return migration_finish_postcopy (m, error);
}
