/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* How a migration runs. We look at both ends, plan what they can do together, write down what is
 * about to happen, set capabilities and limits, make the destination listen and the source send.
 * Pre-copy goes over the guest's memory in passes while the guest writes to it; the rule
 * (steering/) turns the knobs until what remains fits into the permitted downtime. Then the guest
 * is handed over (handover.c), or, when nothing milder helps, switched to postcopy (postcopy.c).
 * Whatever goes wrong on the way, ending.c finds out from both ends who has the guest, and no line
 * here guesses. */
#include "agent/migration/migration.h"

#include <unistd.h>

#include "agent/commands/command.h"
#include "agent/migration/error.h"
#include "agent/migration/tls.h"
#include "agent/state.h"
#include "qmp/value.h"

gboolean
migration_check_usage (const GlobalOptions *global, const MigrateOptions *options, GError **error)
{
    const QmpAddress *there = options->dest_socket;
    g_autoptr (MigrationUri) uri = NULL;

    if (there && qmp_address_equal (global->socket, there))
        return migrate_fail (error, EXIT_USAGE,
                             "--socket and --dest-socket are the same monitor (%s): a guest cannot "
                             "move to itself",
                             there->text);
    if (!options->uri) /* recover finds it in the journal */
        return TRUE;
    uri = migration_uri_parse (options->uri, options->allow_exec, error);
    return uri != NULL;
}

static gboolean
look_at_ends (Migration *m, GError **error)
{
    const MigrateOptions *o = m->options;
    const QmpAddress *there = o->dest_socket;

    m->uri = migration_uri_parse (o->uri, o->allow_exec, error);
    if (!m->uri)
        return FALSE;
    m->source = vm_open (m->context, m->global->socket, END_SOURCE, m->global, m->leave, error);
    if (!m->source)
        return FALSE;
    if (!m->configure (m, m->source->name, m->source->uuid, error))
        return FALSE;
    if (there) {
        m->destination = vm_open (m->context, there, END_DESTINATION, m->global, m->leave, error);
        if (!m->destination)
            return FALSE;
    }
    m->named[END_SOURCE] = TRUE;
    m->named[END_DESTINATION] = m->destination != NULL;
    m->was_live = run_state_is_live (m->source->run_state);
    m->source_run_state = g_strdup (m->source->run_state);
    m->status = m->source->status;
    m->id = state_migration_id (m->source->name, m->source->uuid,
                                (int)qmp_client_peer_pid (m->source->client));
    return TRUE;
}

static gboolean
make_plan (Migration *m, GError **error)
{
    const MigrateOptions *o = m->options;

    m->plan = plan_new (o, m->uri, m->source, m->destination, error);
    if (!m->plan)
        return FALSE;
    m->limits = (Limits){ .max_downtime_us = o->max_downtime_us,
                          .max_stall_us = o->max_stall_us ? o->max_stall_us : o->max_downtime_us,
                          .deadline_us = o->deadline_us,
                          .max_throttle_pct = m->plan->max_throttle_pct };
    m->rule = (Rule){ .postcopy = m->plan->postcopy,
                      .steers_throttle = m->plan->steers_throttle,
                      .if_stuck = o->if_stuck };
    migration_post_header (m);
    migration_post (m, "plan", plan_to_json (m->plan, o->dry_run));
    return TRUE;
}

static json_object *
before_of (const Migration *m, End end)
{
    json_object *capabilities = plan_capability_arguments (m->plan, end, TRUE);
    json_object *parameters = plan_parameter_arguments (m->plan, end, TRUE);
    json_object *before = json_object_new_object ();

    if (capabilities)
        json_object_object_add (before, "capabilities", capabilities);
    if (parameters)
        json_object_object_add (before, "parameters", parameters);
    return before;
}

static void
note_before (Migration *m)
{
    for (End end = END_SOURCE; end <= END_DESTINATION; end++) {
        json_object_put (m->before[end]);
        m->before[end] = before_of (m, end);
    }
    m->tls = m->options->tls;
}

static gboolean
begin (Migration *m, GError **error)
{
    note_before (m);
    m->journal = journal_begin (m->id, migration_journal_facts (m), error);
    m->touched = m->journal != NULL;
    return m->touched;
}

static gboolean
set_capabilities (Migration *m, Vm *vm, GError **error)
{
    json_object *arguments = plan_capability_arguments (m->plan, vm->end, FALSE);

    return !arguments || vm_tell (vm, "migrate-set-capabilities", arguments, error);
}

static gboolean
set_parameters (Migration *m, Vm *vm, GError **error)
{
    g_autoptr (json_object) arguments = plan_parameter_arguments (m->plan, vm->end, FALSE);

    if (!arguments)
        return TRUE;
    if (!vm_tell (vm, "migrate-set-parameters", json_object_get (arguments), error))
        return FALSE;
    json_object_object_foreach (arguments, name, value)
        json_object_object_add (vm->parameters, name, json_object_get (value));
    return TRUE;
}

static gboolean
prepare_end (Migration *m, Vm *vm, GError **error)
{
    return tls_create (vm, &m->options->tls, error) && set_capabilities (m, vm, error) &&
           set_parameters (m, vm, error);
}

static gboolean
plan_without_postcopy (Migration *m, GError **error)
{
    m->options->postcopy = POSTCOPY_NEVER;
    g_clear_pointer (&m->plan, plan_free);
    m->plan = plan_new (m->options, m->uri, m->source, m->destination, error);
    if (!m->plan)
        return FALSE;
    m->rule.postcopy = POSTCOPY_NEVER;
    note_before (m);
    return TRUE;
}

/* Where a destination cannot take page faults in user space, postcopy goes off the plan, unless it
 * was asked for: then that is a refusal. */
static gboolean
prepare_destination (Migration *m, GError **error)
{
    g_autoptr (GError) why = NULL;

    if (prepare_end (m, m->destination, &why))
        return TRUE;
    if (g_error_matches (why, QMP_ERROR, QMP_ERROR_REFUSED) &&
        m->plan->postcopy != POSTCOPY_NEVER && m->options->postcopy == POSTCOPY_AUTO &&
        plan_without_postcopy (m, NULL) && prepare_end (m, m->destination, NULL)) {
        migration_notice (m, "warning", "no-postcopy", "postcopy is not available: %s",
                          why->message);
        return TRUE;
    }
    g_propagate_error (error, g_steal_pointer (&why));
    return FALSE;
}

/* `stop` in inmigrate clears autostart as -S does: from here on the destination cannot start the
 * guest by itself, whatever happens to us. `cont` would undo it. */
static gboolean
clear_autostart (Migration *m, GError **error)
{
    if (!vm_tell (m->destination, "stop", NULL, error) ||
        !journal_step (m->journal, JOURNAL_AUTOSTART, error))
        return FALSE;
    m->autostart_cleared = TRUE;
    return TRUE;
}

gboolean
migration_take_real_port (Migration *m, GError **error)
{
    g_autoptr (json_object) reply = NULL;
    json_object *addresses, *first;
    MigrationStatus status;
    g_autofree char *text = NULL;
    guint64 port;

    if ((m->uri->kind != URI_TCP && m->uri->kind != URI_FD_TCP) || m->uri->port != 0)
        return TRUE;
    if (!vm_query_status (m->destination, 0, &status, &reply, error) ||
        !qmp_get_array (reply, "socket-address", "destination: query-migrate", &addresses, error))
        return FALSE;
    first = json_object_array_get_idx (addresses, 0);
    port = g_ascii_strtoull (first ? qmp_peek_string (first, "port", "0") : "0", NULL, 10);
    text = migration_uri_with_port (m->uri, (guint16)port);
    g_clear_pointer (&m->uri, migration_uri_free);
    m->uri = migration_uri_parse (text, FALSE, error);
    return m->uri != NULL;
}

static gboolean
start_incoming (Migration *m, GError **error)
{
    g_autofree char *listen = migration_uri_listen_text (m->uri);
    json_object *arguments;

    if (!clear_autostart (m, error))
        return FALSE;
    if (m->destination->status != STATUS_NONE)
        return TRUE; /* it listens already */
    arguments = qmp_object ("uri", json_object_new_string (listen), NULL);
    /* Kept alive after a failure, it can tell what it did not like. */
    if (m->destination->schema->has_exit_on_error)
        json_object_object_add (arguments, "exit-on-error", json_object_new_boolean (FALSE));
    m->incoming_sent = TRUE;
    return vm_tell (m->destination, "migrate-incoming", arguments, error) &&
           migration_take_real_port (m, error);
}

/* Both ends are as the plan says; the source's last, so that a destination that refuses costs
 * nothing. */
static gboolean
prepare (Migration *m, GError **error)
{
    if (m->destination && (!prepare_destination (m, error) || !start_incoming (m, error)))
        return FALSE;
    if (!prepare_end (m, m->source, error))
        return FALSE;
    return !m->options->offline || !m->was_live || migration_pause_guest (m, error);
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

static void
post_advice (Migration *m, const Advice *advice)
{
    json_object *line = qmp_object ("reason_code", json_object_new_int ((int)advice->reason_code),
                                    "reason", json_object_new_string (advice->reason), "action",
                                    json_object_new_string (action_name (advice->action)), NULL);

    if (advice->set_throttle)
        json_object_object_add (line, "throttle_pct",
                                json_object_new_int ((int)advice->throttle_pct));
    if (advice->set_downtime_limit)
        json_object_object_add (line, "downtime_limit_us",
                                json_object_new_uint64 (advice->downtime_limit_us));
    migration_post (m, "advice", line);
}

/* The throttle handle: QEMU sets exactly p at its next trigger, up or down, when one increment
 * spans everything and the maximum is p. Its first trigger takes the initial value instead. */
void
migration_add_throttle (json_object *arguments, guint pct)
{
    json_object_object_add (arguments, "throttle-trigger-threshold", json_object_new_int (1));
    json_object_object_add (arguments, "cpu-throttle-initial", json_object_new_int ((int)pct));
    json_object_object_add (arguments, "cpu-throttle-increment", json_object_new_int (99));
    json_object_object_add (arguments, "max-cpu-throttle", json_object_new_int ((int)pct));
}

static gboolean
act_on (Migration *m, const Advice *advice, GError **error)
{
    g_autoptr (json_object) arguments = json_object_new_object ();

    post_advice (m, advice);
    if (advice->set_downtime_limit)
        json_object_object_add (arguments, "downtime-limit",
                                json_object_new_uint64 (advice->downtime_limit_us / 1000));
    if (advice->set_throttle) {
        migration_add_throttle (arguments, advice->throttle_pct);
        m->tracker.throttle_commanded_pct = advice->throttle_pct;
    }
    if (json_object_object_length (arguments) > 0 &&
        !migration_apply (m, g_steal_pointer (&arguments), error))
        return FALSE;
    switch (advice->action) {
    case ACTION_NONE:
        return TRUE;
    case ACTION_POSTCOPY:
        m->postcopy_wanted = TRUE;
        return TRUE;
    case ACTION_PAUSE_GUEST:
        return migration_pause_guest (m, error);
    case ACTION_CANCEL:
        m->cancel_wanted = TRUE;
        return TRUE;
    }
    return TRUE;
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

static gboolean
steer (Migration *m, gboolean pass_ended, GError **error)
{
    Advice advice;

    if (m->status == STATUS_SETUP ||
        !rule_decide (&m->rule, &m->tracker, &m->limits, pass_ended, &advice))
        return TRUE;
    return act_on (m, &advice, error);
}

/* Until pre-copy is over, one way or another: TRUE with the source in pre-switchover or beyond, in
 * postcopy, or completed. */
static gboolean
converge (Migration *m, GError **error)
{
    for (;;) {
        gboolean pass_ended = FALSE;

        if (!migration_look (m, &pass_ended, error))
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
            !steer (m, pass_ended, error) || !migration_press_downtime (m, error) ||
            !migration_wait (m, g_get_monotonic_time () + SAMPLE_PERIOD_US, error))
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
    return begin (m, error) && prepare (m, error) && start (m, error) &&
           migration_carry_on (m, error);
}

/* Nothing was touched: the guest is where it was. */
static void
refuse (Migration *m, GError *error)
{
    ExitCode code = exit_code_before_start (error);
    gboolean left = g_error_matches (error, QMP_ERROR, QMP_ERROR_CANCELLED);

    migration_set_result (m, left ? OUTCOME_LEFT : OUTCOME_FAILED, left ? EXIT_LEFT : code,
                          m->source ? "source" : "unknown", "nothing was changed: %s",
                          error->message);
    m->result.error = error;
}

ExitCode
migration_run (Migration *m)
{
    GError *error = NULL;

    m->started_us = g_get_monotonic_time ();
    if (!look_at_ends (m, &error) || !make_plan (m, &error))
        refuse (m, error);
    else if (m->options->dry_run)
        migration_set_result (m, OUTCOME_PLANNED, EXIT_DONE, "source",
                              "dry run: nothing was changed");
    else if (move (m, &error))
        migration_succeed (m);
    else
        migration_bring_to_an_end (m, error, FALSE);
    migration_put_back (m);
    migration_post_result (m);
    return m->result.exit_code;
}
