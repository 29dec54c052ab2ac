/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Postcopy: the guest runs at the destination while the rest of its memory follows. From the switch
 * on it lives on both halves: no cancel, no way back, but a broken link only pauses it. */
#include "agent/migration/error.h"
#include "agent/migration/migration.h"
#include "qmp/value.h"

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
            !migration_look (m, NULL, error))
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
        if (there)
            return migration_run_destination (m, error);
        if (!migration_look (m, NULL, error))
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

static gboolean
await_rest (Migration *m, GError **error)
{
    for (;;) {
        if (!migration_look (m, NULL, error))
            return FALSE;
        if (m->status == STATUS_COMPLETED)
            return TRUE;
        if (m->status == STATUS_POSTCOPY_PAUSED)
            return migrate_fail (error, EXIT_POSTCOPY_PAUSED, "the link broke in postcopy%s%s",
                                 m->source_error ? ": " : "",
                                 m->source_error ? m->source_error : "");
        if (m->status == STATUS_FAILED || m->status == STATUS_CANCELLED)
            return fail_on_source (m, error);
        if (m->destination && qmp_client_broken (m->destination->client))
            return migrate_fail (error, EXIT_FAILED, "%s",
                                 qmp_client_broken (m->destination->client)->message);
        if (!migration_wait (m, g_get_monotonic_time () + SAMPLE_PERIOD_US, error))
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

/* Out-of-band: the destination's main loop may itself be waiting for a page. */
static gboolean
listen_again (Migration *m, GError **error)
{
    g_autofree char *uri = migration_uri_listen_text (m->uri);
    g_autoptr (json_object) reply = NULL;

    if (!m->destination)
        return TRUE;
    reply = qmp_client_call_full (m->destination->client, "migrate-recover",
                                  qmp_object ("uri", json_object_new_string (uri), NULL),
                                  QMP_CALL_OOB, 0, error);
    return reply != NULL;
}

gboolean
migration_recover_postcopy (Migration *m, GError **error)
{
    gint64 deadline_us;

    if (!migration_uri_has_channels (m->uri))
        return migrate_fail (error, EXIT_POSTCOPY_PAUSED,
                             "%s cannot be opened again: give a tcp: or unix: URI to recover over",
                             m->uri->text);
    if (!listen_again (m, error) ||
        !vm_tell (m->source, "migrate",
                  qmp_object ("uri", json_object_new_string (m->uri->text), "resume",
                              json_object_new_boolean (TRUE), NULL),
                  error))
        return FALSE;
    deadline_us = g_get_monotonic_time () + m->global->reply_timeout_us;
    do {
        if (!migration_wait (m, g_get_monotonic_time () + SAMPLE_PERIOD_US, error) ||
            !migration_look (m, NULL, error))
            return FALSE;
        if (m->status == STATUS_POSTCOPY_ACTIVE || m->status == STATUS_COMPLETED)
            return migration_finish_postcopy (m, error);
    } while (g_get_monotonic_time () < deadline_us);
    return migrate_fail (error, EXIT_POSTCOPY_PAUSED, "source: migrate with resume: %s%s%s",
                         m->status_text, m->source_error ? ": " : "",
                         m->source_error ? m->source_error : "");
}
