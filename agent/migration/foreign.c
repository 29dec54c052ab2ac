/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* A migration that somebody else started: by hand, or libvirt. We look, ask the policy and turn the
 * knobs that are there; it is not ours to begin, to hold, to continue or to end. No capability is
 * changed, the destination is never touched, and no journal is written: when we are gone, it goes
 * on with what is set. */
#include "agent/commands/command.h"
#include "agent/migration/error.h"
#include "agent/migration/migration.h"
#include "agent/state.h"
#include "qmp/value.h"

/* How often it is looked what others have set. */
#define REFRESH_PERIOD_US (1 * G_TIME_SPAN_SECOND)

/* Whoever began it may have set them just before. */
static gboolean
read_capabilities (Migration *m, GError **error)
{
    g_autoptr (json_object) list =
        qmp_client_call (m->source->client, "query-migrate-capabilities", NULL, error);

    if (!list)
        return FALSE;
    for (gsize i = 0; i < qmp_length (list); i++) {
        json_object *entry = json_object_array_get_idx (list, i);
        const char *name = qmp_peek_string (entry, "capability", NULL);
        gboolean on = qmp_peek_bool (entry, "state", FALSE);

        if (name)
            json_object_object_add (m->source->capabilities, name, json_object_new_boolean (on));
    }
    return TRUE;
}

json_object *
migration_query_parameters (Migration *m, GError **error)
{
    g_autoptr (json_object) reply =
        qmp_client_call (m->source->client, "query-migrate-parameters", NULL, error);

    if (reply && !json_object_is_type (reply, json_type_object)) {
        qmp_fail (error, QMP_ERROR_PROTOCOL, "query-migrate-parameters: the answer is no object");
        return NULL;
    }
    return g_steal_pointer (&reply);
}

static gboolean
read_parameters (Migration *m, GError **error)
{
    json_object *reply = migration_query_parameters (m, error);

    if (!reply)
        return FALSE;
    json_object_put (m->source->parameters);
    m->source->parameters = reply;
    return TRUE;
}

/* -- Beginning -- */

/* What the others set is a limit, unless we were told one. */
static void
heed_bandwidth (Migration *m)
{
    guint64 found = qmp_peek_uint (m->source->parameters, "max-bandwidth", 0);

    if (!g_hash_table_contains (m->options->given, "bandwidth") &&
        qmp_peek_uint (m->set_by_us, "max-bandwidth", SAMPLE_UNKNOWN) != found)
        migration_ask_bandwidth (m, found);
}

/* Who armed postcopy wants it. To pause the guest is nobody's who cannot continue it, and to cancel
 * not ours. */
static void
set_limits (Migration *m)
{
    const MigrateOptions *o = m->options;

    migration_take_limits (m);
    heed_bandwidth (m);
    m->limits.if_stuck = QMPMIG_STUCK_WAIT;
    m->limits.postcopy = QMPMIG_POSTCOPY_FALLBACK;
    if (!vm_has_capability (m->source, "postcopy-ram") || o->postcopy == POSTCOPY_NEVER)
        m->limits.postcopy = QMPMIG_POSTCOPY_NEVER;
    else if (o->postcopy == POSTCOPY_NOW)
        m->limits.postcopy = QMPMIG_POSTCOPY_NOW;
    m->helm.steers_throttle =
        vm_has_capability (m->source, "auto-converge") && o->throttle == THROTTLE_STEER;
}

gboolean
migration_open_foreign (Migration *m, GError **error)
{
    m->source = vm_open (m->context, m->global->socket, END_SOURCE, m->global, m->leave, error);
    if (!m->source || !m->configure (m, m->source->name, m->source->uuid, error))
        return FALSE;
    g_free (m->source_run_state);
    m->source_run_state = g_strdup (m->source->run_state);
    return TRUE;
}

gboolean
migration_read_foreign (Migration *m, GError **error)
{
    if (!read_capabilities (m, error) || !read_parameters (m, error))
        return FALSE;
    set_limits (m); /* by what is armed indeed */
    return TRUE;
}

gboolean
migration_join_foreign (Migration *m, GError **error)
{
    m->was_live = run_state_is_live (m->source_run_state);
    m->named[END_SOURCE] = TRUE;
    m->progress_us = g_get_monotonic_time ();
    m->tracker.last_us = (guint64)(m->progress_us - m->migrate_us);
    if (!m->id)
        m->id = state_migration_id (m->source->name, m->source->uuid,
                                    (int)qmp_client_peer_pid (m->source->client));
    set_limits (m);
    if (!migration_seat_policy (m, error))
        return FALSE;
    migration_post_header (m);
    return TRUE;
}

static gboolean
attach (Migration *m, gboolean waits, MigrationCheck check, GError **error)
{
    return migration_open_foreign (m, error) && migration_find_foreign (m, waits, error) &&
           check (m->global->socket, error) && migration_lock_foreign (m, error) &&
           migration_read_foreign (m, error) && migration_join_foreign (m, error);
}

/* QEMU's own ramp would turn the throttle against us. */
static void
add_parking (json_object *arguments)
{
    json_object_object_add (arguments, "throttle-trigger-threshold", json_object_new_int (100));
    json_object_object_add (arguments, "cpu-throttle-initial", json_object_new_int (1));
    json_object_object_add (arguments, "cpu-throttle-increment", json_object_new_int (1));
    json_object_object_add (arguments, "max-cpu-throttle", json_object_new_int (1));
}

static gboolean
take_the_knobs (Migration *m, GError **error)
{
    json_object *arguments;

    if (m->helm.observes) {
        m->tracker.throttle_commanded_pct = SAMPLE_UNKNOWN;
        return TRUE;
    }
    arguments = json_object_new_object ();
    if (m->helm.steers_throttle)
        add_parking (arguments);
    if (g_hash_table_contains (m->options->given, "bandwidth"))
        json_object_object_add (arguments, "max-bandwidth",
                                json_object_new_uint64 (m->limits.bandwidth_bytes_per_s));
    if (json_object_object_length (arguments) > 0)
        return migration_apply (m, arguments, NULL, error);
    json_object_put (arguments);
    return TRUE;
}

/* -- To its end -- */

static gboolean
switch_to_postcopy (Migration *m, GError **error)
{
    g_autoptr (GError) why = NULL;

    if (!m->postcopy_wanted || m->postcopy_sent || m->status != STATUS_ACTIVE || m->helm.observes)
        return TRUE;
    m->postcopy_sent = vm_tell (m->source, "migrate-start-postcopy", NULL, &why);
    if (m->postcopy_sent)
        return TRUE;
    if (!g_error_matches (why, QMP_ERROR, QMP_ERROR_REFUSED)) {
        g_propagate_error (error, g_steal_pointer (&why));
        return FALSE;
    }
    migration_notice (m, "warning", "no-postcopy", "%s", why->message);
    m->limits.postcopy = QMPMIG_POSTCOPY_NEVER;
    m->postcopy_wanted = FALSE;
    return TRUE;
}

static void
tell_stall (Migration *m)
{
    if (m->status == STATUS_ACTIVE && migration_is_stalled (m))
        migration_notice (m, "warning", "no-progress", "nothing was sent for %.0f s",
                          (double)m->global->reply_timeout_us / G_USEC_PER_SEC);
}

/* Those who started it may turn the knobs too. */
static gboolean
refresh (Migration *m, gint64 *refreshed_us, GError **error)
{
    gint64 now_us = g_get_monotonic_time ();

    if (m->status != STATUS_ACTIVE || now_us - *refreshed_us < REFRESH_PERIOD_US)
        return TRUE;
    *refreshed_us = now_us;
    if (!read_parameters (m, error))
        return FALSE;
    heed_bandwidth (m);
    return TRUE;
}

static gboolean
is_over (const Migration *m)
{
    return !status_is_running (m->status) || m->status == STATUS_POSTCOPY_PAUSED;
}

static gboolean
turn (Migration *m, gint64 *refreshed_us, GError **error)
{
    if (!migration_look (m, error))
        return FALSE;
    if (is_over (m))
        return TRUE;
    tell_stall (m);
    return refresh (m, refreshed_us, error) && migration_abort_launch (m, error) &&
           migration_take_share (m, error) && migration_steer (m, error) &&
           switch_to_postcopy (m, error) && migration_press_downtime (m, error) &&
           migration_wait (m, g_get_monotonic_time () + SAMPLE_PERIOD_US, error);
}

/* QEMU goes on while libvirtd is restarted, and so do we when it is back. */
static gboolean
outlasts (Migration *m, const GError *why, gint64 *away_us)
{
    gboolean is_news = *away_us == 0;

    if (!migration_libvirt_is_away (m, why, away_us))
        return FALSE;
    if (is_news)
        migration_notice (m, "warning", "libvirt-away",
                          "libvirt does not answer; QEMU goes on with what is set, and so do we "
                          "when libvirt is back: %s",
                          why->message);
    return TRUE;
}

/* In pre-switchover whoever paused it there goes on with it. */
gboolean
migration_follow_foreign (Migration *m, GError **error)
{
    gint64 refreshed_us = g_get_monotonic_time ();
    gint64 away_us = 0;

    if (!take_the_knobs (m, error))
        return FALSE;
    for (;;) {
        g_autoptr (GError) why = NULL;

        if (!turn (m, &refreshed_us, &why) && !outlasts (m, why, &away_us)) {
            g_propagate_error (error, g_steal_pointer (&why));
            return FALSE;
        }
        if (!why)
            away_us = 0;
        if (!why && is_over (m))
            return TRUE;
    }
}

void
migration_refuse_foreign (Migration *m, GError *error)
{
    gboolean left = g_error_matches (error, QMP_ERROR, QMP_ERROR_CANCELLED);
    Outcome outcome = left ? OUTCOME_LEFT : m->cancel_wanted ? OUTCOME_CANCELLED : OUTCOME_FAILED;

    migration_set_result (m, outcome, left ? EXIT_LEFT : exit_code_before_start (error),
                          m->source ? "source" : "unknown", "%s%s",
                          left ? "nothing was changed: " : "", error->message);
    m->result.error = error;
}

static void
tune (Migration *m)
{
    g_autoptr (json_object) found = NULL;
    GError *error = NULL;

    json_object_deep_copy (m->source->parameters, &found, NULL);
    migration_follow_foreign (m, &error);
    migration_conclude_foreign (m, error, found);
}

ExitCode
migration_steer_foreign (Migration *m, gboolean waits, gboolean observes, MigrationCheck check)
{
    GError *error = NULL;

    m->started_us = g_get_monotonic_time ();
    m->is_foreign = TRUE;
    m->set_by_us = json_object_new_object ();
    m->helm.observes = observes;
    if (attach (m, waits, check, &error))
        tune (m);
    else
        migration_refuse_foreign (m, error);
    migration_post_result (m);
    return m->result.exit_code;
}
