/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* The guest goes back to the source. */
#include "agent/migration/migration.h"
#include "qmp/value.h"

/* QEMU resumes it by itself in a moment, if it means to. */
#define RESUME_BY_ITSELF_US (500 * G_TIME_SPAN_MILLISECOND)

typedef enum {
    REST_FINAL,   /* it runs, has ended, or stands still for a reason that is not the move */
    REST_PASSING, /* the migration's own stop, which QEMU may yet undo */
    REST_OURS,    /* stopped for the move: nobody but us lets it run again */
} Rest;

static Rest
rest_of (const Migration *m)
{
    const char *state = m->source_run_state;

    if (g_strcmp0 (state, "finish-migrate") == 0)
        return REST_PASSING;
    if (!m->was_live)
        return REST_FINAL;
    if (g_strcmp0 (state, "postmigrate") == 0 ||
        (m->we_stopped && g_strcmp0 (state, "paused") == 0))
        return REST_OURS;
    return REST_FINAL;
}

static gboolean
take_run_state (Migration *m, GError **error)
{
    char *state = vm_query_run_state (m->source, 0, error);

    if (!state)
        return FALSE;
    g_free (m->source_run_state);
    m->source_run_state = state;
    return TRUE;
}

/* A refusal may be that of a moment, while the migration's own stop is being undone: it is kept in
 * *ret_refusal and tried again. */
static gboolean
tell_to_run (Migration *m, GError **ret_refusal, GError **error)
{
    g_autoptr (GError) why = NULL;

    if (vm_tell (m->source, "cont", NULL, &why))
        return TRUE;
    if (!g_error_matches (why, QMP_ERROR, QMP_ERROR_REFUSED)) {
        g_propagate_error (error, g_steal_pointer (&why));
        return FALSE;
    }
    g_clear_error (ret_refusal);
    *ret_refusal = g_steal_pointer (&why);
    return TRUE;
}

static gboolean
fail_to_resume (const Migration *m, GError *refusal, GError **error)
{
    if (refusal) {
        g_propagate_error (error, g_error_copy (refusal));
        return FALSE;
    }
    return qmp_fail (error, QMP_ERROR_TIMEOUT, "source: the guest's run state stays \"%s\"",
                     m->source_run_state);
}

gboolean
migration_resume_source (Migration *m, GError **error)
{
    gint64 start_us = g_get_monotonic_time ();
    g_autoptr (GError) refusal = NULL;

    for (;;) {
        gint64 waited_us = g_get_monotonic_time () - start_us;
        Rest rest;

        if (!take_run_state (m, error))
            return FALSE;
        rest = rest_of (m);
        if (rest == REST_FINAL)
            return TRUE;
        if (waited_us > RESUME_PATIENCE_US)
            return fail_to_resume (m, refusal, error);
        if ((rest == REST_OURS || (m->was_live && waited_us > RESUME_BY_ITSELF_US)) &&
            !tell_to_run (m, &refusal, error))
            return FALSE;
        if (!migration_wait (m, g_get_monotonic_time () + RESUME_BY_ITSELF_US / 10, error))
            return FALSE;
    }
}

/* One that takes no part any more may say in a moment what it did not like. It is not waited for
 * with a guest that stands still. */
void
migration_hear_destination (Migration *m)
{
    gint64 deadline_us = g_get_monotonic_time () + LAST_WORDS_US;

    while (m->destination && !m->gone[END_DESTINATION] && !m->silent[END_DESTINATION] &&
           !m->destination_error) {
        g_autoptr (json_object) reply = NULL;
        MigrationStatus status = STATUS_NONE;

        if (!vm_query_status (m->destination, LAST_WORDS_US, &status, &reply, NULL)) {
            m->gone[END_DESTINATION] = vm_is_proven_dead (m->destination);
            m->silent[END_DESTINATION] = TRUE;
            return;
        }
        m->destination_error = g_strdup (qmp_peek_string (reply, "error-desc", NULL));
        if (status == STATUS_NONE || status == STATUS_SETUP || status_is_terminal (status) ||
            g_get_monotonic_time () > deadline_us ||
            !migration_wait (m, g_get_monotonic_time () + SAMPLE_PERIOD_US / 2, NULL))
            return;
    }
}
