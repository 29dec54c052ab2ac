/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* How a migration runs. We look at both ends, plan what they can do together, write down what is
 * about to happen, set capabilities and limits, make the destination listen and the source send.
 * Pre-copy goes over the guest's memory in passes while the guest writes to it; the rule
 * (steering/) turns the knobs until what remains fits into the permitted downtime. Then the guest
 * is handed over (handover.c), or, when nothing milder helps, switched to postcopy (postcopy.c).
 * Whatever goes wrong on the way, ending.c finds out from both ends who has the guest, and no line
 * here guesses. */
#include "agent/migration/launch.h"
#include "agent/migration/migration.h"

#include <string.h>
#include <unistd.h>

#include "agent/commands/command.h"
#include "agent/migration/error.h"
#include "qmp/value.h"

gboolean
migration_check_usage (const GlobalOptions *global, const MigrateOptions *options, GError **error)
{
    const QmpAddress *there = options->dest_socket;
    g_autoptr (MigrationUri) uri = NULL;

    if (options->predict && options->offline)
        return migrate_fail (error, EXIT_USAGE,
                             "--predict cannot be used with --offline: a guest that stands still "
                             "writes nothing that could be measured");
    if (qmp_address_is_libvirt (global->socket))
        return !options->uri || launch_check (global, options, error);
    if (there && qmp_address_equal (global->socket, there))
        return migrate_fail (error, EXIT_USAGE,
                             "--socket and --dest-socket are the same monitor (%s): a guest cannot "
                             "move to itself",
                             there->text);
    if (there && qmp_address_is_libvirt (there))
        return migrate_fail (error, EXIT_USAGE,
                             "--dest-socket: libvirt answers nothing for a guest that arrives");
    if (options->tls.kind == TLS_LIBVIRT || (options->uri && strstr (options->uri, "://")))
        return migrate_fail (error, EXIT_USAGE,
                             "%s is for guests of libvirt's: --libvirt DOMAIN, not --socket",
                             options->tls.kind == TLS_LIBVIRT ? "--tls libvirt" : options->uri);
    if (options->storage != STORAGE_SHARED)
        return migrate_fail (error, EXIT_USAGE,
                             "--storage is for guests of libvirt's, which copies their disks: "
                             "without --libvirt both ends have to see the same ones");
    if (!options->uri) /* recover finds it in the journal */
        return TRUE;
    uri = migration_uri_parse (options->uri, options->allow_exec, error);
    return uri != NULL;
}

/* It takes a QEMU longer than all other questions together. */
static gboolean
read_schemas (Migration *m, GError **error)
{
    const MigrateOptions *o = m->options;

    return (!plan_needs_schema (o, m->source) || vm_read_schema (m->source, NULL, error)) &&
           (!m->destination || !plan_needs_schema (o, m->destination) ||
            vm_read_schema (m->destination, m->source, error));
}

void
migration_take_limits (Migration *m)
{
    const MigrateOptions *o = m->options;
    guint64 bandwidth = o->bandwidth_bytes_per_s;
    guint64 stall_us = o->max_stall_us ? o->max_stall_us : o->max_downtime_us;

    m->limits = (Limits){
        .max_downtime_us = o->max_downtime_us,
        .max_stall_us = stall_us,
        .deadline_us = o->deadline_us,
        .max_throttle_pct = MIN (plan_throttle_cap (stall_us), o->max_throttle_pct),
        .if_stuck = o->if_stuck,
    };
    migration_ask_bandwidth (m, bandwidth == UNITS_UNLIMITED ? 0 : bandwidth);
}

/* What is armed for, in a policy's words. */
static enum qmpmig_postcopy
armed_postcopy (const Plan *plan)
{
    switch (plan->postcopy) {
    case POSTCOPY_AUTO:
    case POSTCOPY_NEVER:
        return QMPMIG_POSTCOPY_NEVER;
    case POSTCOPY_FALLBACK:
        return QMPMIG_POSTCOPY_FALLBACK;
    case POSTCOPY_NOW:
        return QMPMIG_POSTCOPY_NOW;
    }
    return QMPMIG_POSTCOPY_NEVER;
}

static gboolean
make_plan (Migration *m, GError **error)
{
    const MigrateOptions *o = m->options;

    migration_take_limits (m);
    if (!migration_seat_policy (m, error) || !read_schemas (m, error))
        return FALSE;
    m->plan = plan_new (o, m->uri, m->source, m->destination, error);
    if (!m->plan)
        return FALSE;
    m->limits.postcopy = armed_postcopy (m->plan);
    m->helm.steers_throttle = m->plan->steers_throttle;
    return TRUE;
}

/* What the source is told to send to; for fd: a descriptor goes ahead. Owned by the caller. */
static char *
source_uri (Migration *m, GError **error)
{
    g_autoptr (json_object) reply = NULL;
    int fd;

    if (m->uri->kind != URI_FD_TCP && m->uri->kind != URI_FD_UNIX && m->uri->kind != URI_FD)
        return g_strdup (m->uri->text);
    fd = migration_uri_open_fd (m->uri, FALSE, m->global->reply_timeout_us, m->leave, error);
    if (fd < 0) {
        g_prefix_error (error, "%s: ", m->uri->text);
        return NULL;
    }
    reply = qmp_client_call_with_fd (m->source->client, "getfd",
                                     qmp_object ("fdname", json_object_new_string ("qmpmig"), NULL),
                                     fd, error);
    close (fd);
    return reply ? g_strdup ("fd:qmpmig") : NULL;
}

static gboolean
start (Migration *m, GError **error)
{
    g_autofree char *uri = source_uri (m, error);

    if (!uri || !journal_note (m->journal, "uri", m->uri->text, error) ||
        !journal_step (m->journal, JOURNAL_STARTED, error))
        return FALSE;
    m->migrate_us = m->progress_us = g_get_monotonic_time ();
    return vm_tell (m->source, "migrate", qmp_object ("uri", json_object_new_string (uri), NULL),
                    error);
}

static gboolean
check_destination_lives (Migration *m, GError **error)
{
    const GError *why = m->destination ? qmp_client_broken (m->destination->client) : NULL;

    return !why || migrate_fail (error, EXIT_FAILED, "%s", why->message);
}

static gboolean
fail_on_status (Migration *m, GError **error)
{
    return migrate_fail (error, EXIT_FAILED, "source: migrate: %s%s%s", m->status_text,
                         m->source_error ? ": " : "", m->source_error ? m->source_error : "");
}

/* Until the next look. A guest that has just stopped did so for the switchover, most likely, and
 * the word of that is a moment away: a question to the source would only wait for the lock that
 * QEMU holds until then, so the destination is asked what the handover has to know. */
static gboolean
await_next_look (Migration *m, GError **error)
{
    gint64 deadline_us = g_get_monotonic_time () + SAMPLE_PERIOD_US;
    gint64 stopped_us = m->stop_us;

    if (!migration_wait (m, deadline_us, error))
        return FALSE;
    if (m->stop_us == 0 || m->stop_us == stopped_us)
        return TRUE;
    migration_ask_ahead (m);
    if (!m->told_switchover && !migration_wait (m, deadline_us, error))
        return FALSE;
    if (!m->told_switchover)
        migration_forget_ahead (m);
    return TRUE;
}

/* Until pre-copy is over, one way or another: TRUE with the source in pre-switchover or beyond, in
 * postcopy, or completed. */
static gboolean
converge (Migration *m, GError **error)
{
    migration_forget_ahead (m);
    for (;;) {
        if (!migration_is_told (m) && !migration_look (m, error))
            return FALSE;
        if (m->status == STATUS_FAILED || m->status == STATUS_CANCELLED || m->status == STATUS_NONE)
            return fail_on_status (m, error);
        if (m->cancel_wanted)
            return migrate_fail (error, EXIT_CANCELLED, "cancelled on request");
        if (m->status == STATUS_COMPLETED || m->status == STATUS_PRE_SWITCHOVER ||
            m->status == STATUS_DEVICE || status_is_postcopy (m->status))
            return TRUE;
        if (m->postcopy_wanted && m->status == STATUS_ACTIVE)
            return migration_switch_to_postcopy (m, error);
        if (!check_destination_lives (m, error) || !migration_check_progress (m, error) ||
            !migration_take_share (m, error) || !migration_steer (m, error) ||
            !migration_press_downtime (m, error) || !await_next_look (m, error))
            return FALSE;
    }
}

gboolean
migration_carry_on (Migration *m, GError **error)
{
    if (!converge (m, error))
        return FALSE;
    if (status_is_postcopy (m->status))
        return migration_finish_postcopy (m, error);
    return migration_hand_over (m, error);
}

static gboolean
move (Migration *m, GError **error)
{
    if (!migration_begin (m, error)) {
        migration_post_plan (m);
        return FALSE;
    }
    return migration_prepare (m, error) && start (m, error) && migration_carry_on (m, error);
}

/* Nothing was touched: the guest is where it was. */
static void
refuse (Migration *m, GError *error)
{
    ExitCode code = exit_code_before_start (error);
    gboolean left = g_error_matches (error, QMP_ERROR, QMP_ERROR_CANCELLED);
    Outcome outcome = left ? OUTCOME_LEFT : m->cancel_wanted ? OUTCOME_CANCELLED : OUTCOME_FAILED;

    migration_set_result (m, outcome, left ? EXIT_LEFT : code, m->source ? "source" : "unknown",
                          "%s%s", left ? "nothing was changed: " : "", error->message);
    m->result.error = error;
}

static gboolean
make_ready (Migration *m, GError **error)
{
    return migration_look_at_ends (m, error) && make_plan (m, error) &&
           migration_foresee (m, error);
}

static void
tell_plan_only (Migration *m)
{
    migration_post_plan (m);
    migration_set_result (m, OUTCOME_PLANNED, EXIT_DONE, "source", "dry run: nothing was changed");
}

ExitCode
migration_run (Migration *m)
{
    GError *error = NULL;

    m->started_us = g_get_monotonic_time ();
    if (!make_ready (m, &error))
        refuse (m, error);
    else if (m->options->dry_run)
        tell_plan_only (m);
    else if (move (m, &error))
        migration_succeed (m);
    else
        migration_bring_to_an_end (m, error, FALSE);
    migration_put_back (m);
    migration_post_result (m);
    return m->result.exit_code;
}
