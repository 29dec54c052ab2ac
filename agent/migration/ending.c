/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* How a migration ends. After any failure both ends are asked, the table in settle.c says what
 * that means, and it is done here; again, until it is settled. */
#include "agent/migration/error.h"
#include "agent/migration/migration.h"
#include "agent/migration/tls.h"
#include "qmp/value.h"

static SourceState
source_state_of (const Migration *m, MigrationStatus status, const char *run_state)
{
    /* A status from before we sent anything is an older migration's; so is `completed` where the
     * guest is not what a completed migration leaves behind. */
    if ((m->journal && !journal_has (m->journal, JOURNAL_STARTED)) ||
        (status == STATUS_COMPLETED && !g_str_equal (run_state, "postmigrate") &&
         !g_str_equal (run_state, "finish-migrate")))
        return SOURCE_IDLE;
    switch (status) {
    case STATUS_NONE:
        return SOURCE_IDLE;
    case STATUS_SETUP:
    case STATUS_ACTIVE:
    case STATUS_OTHER:
        return SOURCE_MOVING;
    case STATUS_PRE_SWITCHOVER:
        return SOURCE_WAITS;
    case STATUS_DEVICE:
        return SOURCE_DEVICE;
    case STATUS_POSTCOPY_DEVICE:
    case STATUS_POSTCOPY_ACTIVE:
    case STATUS_POSTCOPY_RECOVER:
        return SOURCE_POSTCOPY;
    case STATUS_POSTCOPY_PAUSED:
        return SOURCE_POSTCOPY_PAUSED;
    case STATUS_CANCELLING:
    case STATUS_FAILING:
        return SOURCE_ENDING;
    case STATUS_FAILED:
    case STATUS_CANCELLED:
        return SOURCE_FAILED;
    case STATUS_COMPLETED:
        return SOURCE_COMPLETED;
    }
    return SOURCE_SILENT;
}

static DestinationState
destination_state_of (MigrationStatus status, const char *run_state)
{
    switch (status) {
    case STATUS_COMPLETED:
        return run_state_is_live (run_state) ? DESTINATION_RUNS : DESTINATION_WHOLE;
    case STATUS_FAILED:
    case STATUS_CANCELLED:
        return DESTINATION_FAILED;
    case STATUS_POSTCOPY_ACTIVE:
    case STATUS_POSTCOPY_DEVICE:
    case STATUS_POSTCOPY_RECOVER:
        return DESTINATION_POSTCOPY;
    case STATUS_POSTCOPY_PAUSED:
        return DESTINATION_POSTCOPY_PAUSED;
    case STATUS_NONE:
    case STATUS_SETUP:
    case STATUS_ACTIVE:
    case STATUS_PRE_SWITCHOVER:
    case STATUS_DEVICE:
    case STATUS_CANCELLING:
    case STATUS_FAILING:
    case STATUS_OTHER:
        /* One that does not wait for a guest is not the QEMU that we sent one to. */
        return g_strcmp0 (run_state, "inmigrate") == 0 ? DESTINATION_WAITING : DESTINATION_SILENT;
    }
    return DESTINATION_SILENT;
}

/* Asks one end. FALSE when it is silent or dead; then *ret_dead tells which. */
static gboolean
ask_end (Migration *m, Vm *vm, MigrationStatus *ret_status, char **ret_run_state, char **desc,
         gboolean *ret_dead)
{
    g_autoptr (json_object) reply = NULL;
    const char *text;

    *ret_dead = m->gone[vm->end] || vm_is_proven_dead (vm);
    if (*ret_dead || !vm_query_status (vm, SETTLE_ANSWER_US, ret_status, &reply, NULL) ||
        !(*ret_run_state = vm_query_run_state (vm, SETTLE_ANSWER_US, NULL))) {
        *ret_dead = *ret_dead || vm_is_proven_dead (vm);
        return FALSE;
    }
    text = qmp_peek_string (reply, "error-desc", NULL);
    if (text) {
        g_free (*desc);
        *desc = g_strdup (text);
    }
    return TRUE;
}

static SourceState
look_at_source (Migration *m, guint *facts)
{
    MigrationStatus status = STATUS_NONE;
    g_autofree char *run_state = NULL;
    gboolean dead = FALSE;

    if (!m->source)
        return m->gone[END_SOURCE] ? SOURCE_DEAD : SOURCE_SILENT;
    if (!ask_end (m, m->source, &status, &run_state, &m->source_error, &dead))
        return dead ? SOURCE_DEAD : SOURCE_SILENT;
    m->status = status;
    if (run_state_is_live (run_state))
        *facts |= FACT_SOURCE_LIVE;
    g_free (m->source_run_state);
    m->source_run_state = g_steal_pointer (&run_state);
    return source_state_of (m, status, m->source_run_state);
}

static DestinationState
look_at_destination (Migration *m)
{
    MigrationStatus status = STATUS_NONE;
    g_autofree char *run_state = NULL;
    gboolean dead = FALSE;

    if (!m->named[END_DESTINATION])
        return DESTINATION_UNSEEN;
    if (!m->destination)
        return m->gone[END_DESTINATION] ? DESTINATION_DEAD : DESTINATION_SILENT;
    if (!ask_end (m, m->destination, &status, &run_state, &m->destination_error, &dead))
        return dead ? DESTINATION_DEAD : DESTINATION_SILENT;
    return destination_state_of (status, run_state);
}

SettleView
migration_view (Migration *m, gboolean forward)
{
    SettleView view = { .facts = 0 };

    view.source = look_at_source (m, &view.facts);
    view.destination = look_at_destination (m);
    if (forward)
        view.facts |= FACT_FORWARD;
    if (m->told_to_run)
        view.facts |= FACT_TOLD;
    if (m->ran_there)
        view.facts |= FACT_RAN_THERE;
    if (m->autostart_cleared)
        view.facts |= FACT_CLEARED;
    if (m->source && m->source->schema->has_yank && qmp_client_has_oob (m->source->client))
        view.facts |= FACT_YANK;
    if (m->postcopy_sent)
        view.facts |= FACT_OWNED;
    if (!m->continued && g_str_equal (m->role, "migrate"))
        view.facts |= FACT_BEFORE;
    return view;
}

static gboolean
still_to_resume (const Migration *m)
{
    return m->was_live && !run_state_is_live (m->source_run_state) &&
           !run_state_is_ended (m->source_run_state);
}

/* QEMU may resume it by itself a moment after `failed`. */
gboolean
migration_resume_source (Migration *m, GError **error)
{
    gint64 deadline_us = g_get_monotonic_time () + RESUME_PATIENCE_US;
    gboolean told = FALSE;

    for (;;) {
        g_autofree char *state = vm_query_run_state (m->source, 0, error);

        if (!state)
            return FALSE;
        g_free (m->source_run_state);
        m->source_run_state = g_steal_pointer (&state);
        if (!still_to_resume (m))
            return TRUE;
        if (!told && (m->we_stopped ||
                      g_get_monotonic_time () > deadline_us - RESUME_PATIENCE_US + 500000)) {
            told = TRUE;
            if (!vm_tell (m->source, "cont", NULL, error))
                return FALSE;
            continue;
        }
        if (g_get_monotonic_time () > deadline_us)
            return migrate_fail (error, EXIT_UNDECIDED, "source: cont: run state stays \"%s\"",
                                 m->source_run_state);
        if (!migration_wait (m, g_get_monotonic_time () + SAMPLE_PERIOD_US, error))
            return FALSE;
    }
}

/* It was told `quit`, or exits by itself; a QEMU that answers no more has done so. */
static void
quit_destination (Migration *m)
{
    if (m->destination && !qmp_client_broken (m->destination->client))
        vm_tell (m->destination, "quit", NULL, NULL);
}

static void
say_undecided (Migration *m, const char *why)
{
    const char *socket = m->source ? m->source->address->text : m->global->socket->text;
    pid_t pid = m->destination ? qmp_client_peer_pid (m->destination->client) : 0;

    migration_set_result (m, OUTCOME_UNDECIDED, EXIT_UNDECIDED, "nowhere",
                          "decision needed, nobody may run the guest yet: %s", why);
    if (pid > 0)
        migration_add_check (m, "Is the destination's QEMU dead (process %d, monitor %s)?",
                             (int)pid, m->destination->address->text);
    else
        migration_add_check (
            m, "Does the destination's QEMU still exist, and does the guest run there?");
    migration_add_check (m, "If it is alive and answers again, let qmpmig look at both ends:");
    migration_add_command (m, "qmpmig --socket %s recover", socket);
    migration_add_check (m, "Only if it is certainly dead, give the guest back to the source:");
    migration_add_command (m, "qmpmig --socket %s recover --confirm-dead destination", socket);
}

static void
say_source_keeps (Migration *m, const GError *why)
{
    gboolean cancelled = why && g_error_matches (why, MIGRATE_ERROR, EXIT_CANCELLED);
    const char *state = m->source_run_state ? m->source_run_state : "unknown";

    g_free (m->result.run_state);
    m->result.run_state = g_strdup (state);
    if (cancelled)
        migration_set_result (m, OUTCOME_CANCELLED, EXIT_CANCELLED, "source",
                              "cancelled: the guest is on the source (%s)", state);
    else
        migration_set_result (m, OUTCOME_FAILED, EXIT_FAILED, "source",
                              "the guest is on the source (%s); it was not moved: %s%s%s", state,
                              why ? why->message : "the migration had failed",
                              m->destination_error ? "; destination: " : "",
                              m->destination_error ? m->destination_error : "");
}

static SettleAction
keep_at_source (Migration *m, GError *why)
{
    g_autoptr (GError) error = NULL;

    if (m->journal && !journal_step (m->journal, JOURNAL_ABANDONED, &error))
        migration_notice (m, "warning", "journal", "%s", error->message);
    g_clear_error (&error);
    if (!migration_resume_source (m, &error)) {
        say_undecided (m, error->message);
        return SETTLE_UNDECIDED;
    }
    say_source_keeps (m, why);
    return SETTLE_SOURCE_KEEPS;
}

static SettleAction
keep_at_destination (Migration *m)
{
    g_autoptr (GError) error = NULL;

    if (!migration_run_destination (m, &error)) {
        say_undecided (m, error->message);
        return SETTLE_UNDECIDED;
    }
    migration_succeed (m);
    return SETTLE_DESTINATION_KEEPS;
}

static void
say_postcopy_paused (Migration *m, const GError *why)
{
    migration_set_result (m, OUTCOME_POSTCOPY_PAUSED, EXIT_POSTCOPY_PAUSED, "both-halves",
                          "postcopy is paused%s%s; the guest is intact on both ends and waits",
                          why ? ": " : "", why ? why->message : "");
    migration_add_check (m, "When the link between the hosts is back, bring it to its end:");
    migration_add_command (m, "qmpmig --socket %s recover", m->global->socket->text);
}

static void
say_guest_ended (Migration *m, const char *why)
{
    migration_set_result (m, OUTCOME_GUEST_ENDED, EXIT_GUEST_ENDED, "nowhere",
                          "the guest has ended: %s%s%s; nothing was started by us", why,
                          m->guest_event ? " after its event " : "",
                          m->guest_event ? m->guest_event : "");
}

static void
say_handed_over (Migration *m)
{
    gboolean file = m->uri && migration_uri_is_storage (m->uri);

    m->result.source_kept = TRUE;
    migration_set_result (m, OUTCOME_HANDED_OVER, EXIT_DONE, "unknown",
                          file
                              ? "written to %s; the guest runs nowhere, the source keeps it stopped"
                              : "handed over to %s, destination not observed: the source has sent "
                                "everything and keeps its copy stopped",
                          m->uri ? m->uri->text : "the destination");
}

static void
pause_postcopy (Migration *m, const SettleView *view)
{
    Vm *vm = view->source == SOURCE_POSTCOPY ? m->source : m->destination;
    g_autoptr (json_object) reply = NULL;

    reply = qmp_client_call_full (vm->client, "migrate-pause", NULL, QMP_CALL_OOB, SETTLE_ANSWER_US,
                                  NULL);
}

/* Once each, then by the clock: an action that had no effect is not repeated for ever. */
typedef struct {
    gint64 deadline_us;
    gboolean cancelled, yanked, quit;
} Attempts;

static void
cancel_source (Migration *m, Attempts *done)
{
    if (!done->cancelled)
        vm_tell (m->source, "migrate_cancel", NULL, NULL);
    else if (!done->yanked &&
             g_get_monotonic_time () > done->deadline_us - SETTLE_PATIENCE_US / 2) {
        done->yanked = TRUE;
        vm_yank (m->source, SETTLE_ANSWER_US, NULL);
    }
    done->cancelled = TRUE;
}

static void
attempt (Migration *m, SettleAction action, const SettleView *view, Attempts *done)
{
    switch (action) {
    case SETTLE_CANCEL:
        cancel_source (m, done);
        break;
    case SETTLE_YANK:
        if (!done->yanked)
            vm_yank (m->source, SETTLE_ANSWER_US, NULL);
        done->yanked = TRUE;
        break;
    case SETTLE_QUIT_DESTINATION:
        if (!done->quit)
            quit_destination (m);
        done->quit = TRUE;
        break;
    case SETTLE_POSTCOPY_PAUSE:
        pause_postcopy (m, view);
        break;
    case SETTLE_WAIT:
    case SETTLE_CARRY_ON:
    case SETTLE_SOURCE_KEEPS:
    case SETTLE_DESTINATION_KEEPS:
    case SETTLE_HANDED_OVER:
    case SETTLE_POSTCOPY_RECOVER:
    case SETTLE_GUEST_ENDED:
    case SETTLE_UNDECIDED:
        break;
    }
}

/* What is left to do once the table has spoken for good. */
static SettleAction
conclude (Migration *m, const SettleRow *row, GError *why)
{
    switch (row->action) {
    case SETTLE_SOURCE_KEEPS:
        return keep_at_source (m, why);
    case SETTLE_DESTINATION_KEEPS:
        return keep_at_destination (m);
    case SETTLE_HANDED_OVER:
        say_handed_over (m);
        break;
    case SETTLE_POSTCOPY_RECOVER:
        say_postcopy_paused (m, why);
        break;
    case SETTLE_GUEST_ENDED:
        say_guest_ended (m, row->why);
        break;
    case SETTLE_CARRY_ON:
        break;
    case SETTLE_WAIT:
    case SETTLE_CANCEL:
    case SETTLE_YANK:
    case SETTLE_QUIT_DESTINATION:
    case SETTLE_POSTCOPY_PAUSE:
    case SETTLE_UNDECIDED:
        say_undecided (m, row->why);
        break;
    }
    return row->action;
}

static gboolean
is_final (SettleAction action)
{
    return action != SETTLE_WAIT && action != SETTLE_CANCEL && action != SETTLE_YANK &&
           action != SETTLE_QUIT_DESTINATION && action != SETTLE_POSTCOPY_PAUSE;
}

static void
tell_of (Migration *m, const SettleRow *row)
{
    migration_notice (m, "info", "settle", "%s: %s", settle_action_name (row->action), row->why);
}

static SettleAction
settle (Migration *m, GError *why, gboolean forward)
{
    Attempts done = { .deadline_us = g_get_monotonic_time () + SETTLE_PATIENCE_US };
    const SettleRow *last = NULL;

    for (;;) {
        SettleView view = migration_view (m, forward);
        const SettleRow *row;
        gboolean late = g_get_monotonic_time () > done.deadline_us;

        view.facts |= late ? FACT_LATE : 0;
        row = settle_decide (&view);
        if (row != last)
            tell_of (m, row);
        last = row;
        if (is_final (row->action) ||
            g_get_monotonic_time () > done.deadline_us + SETTLE_PATIENCE_US)
            return conclude (m, row, why);
        attempt (m, row->action, &view, &done);
        if (!migration_wait (m, g_get_monotonic_time () + SAMPLE_PERIOD_US, NULL)) {
            migration_set_result (
                m, OUTCOME_LEFT, EXIT_LEFT, "unknown",
                "left before it was settled: `qmpmig recover` brings it to an end");
            return SETTLE_WAIT;
        }
    }
}

SettleAction
migration_settle (Migration *m, GError *why, gboolean forward)
{
    SettleAction action;

    m->cancel_wanted = FALSE;
    m->result.error = why;
    if (why && g_error_matches (why, QMP_ERROR, QMP_ERROR_CANCELLED)) {
        migration_set_result (m, OUTCOME_LEFT, EXIT_LEFT, m->ran_there ? "destination" : "unknown",
                              "left while it goes on: `qmpmig --socket %s status` shows it, "
                              "`recover` brings it to its end",
                              m->global->socket->text);
        return SETTLE_WAIT;
    }
    if (!m->touched) {
        migration_set_result (m, OUTCOME_FAILED, EXIT_INTERNAL, "source", "nothing was changed: %s",
                              why ? why->message : "");
        return SETTLE_SOURCE_KEEPS;
    }
    action = settle (m, why, forward);
    if (m->result.exit_code == EXIT_DONE)
        g_clear_error (&m->result.error);
    return action;
}

static gboolean
may_quit_source (const Migration *m)
{
    if (m->options->on_success == ON_SUCCESS_KEEP || !m->source || !m->destination)
        return FALSE;
    return !qmp_client_broken (m->source->client);
}

/* The guest was seen in its final state, or has ended by itself once it was there. */
static void
say_arrived (Migration *m)
{
    const char *state = m->result.run_state ? m->result.run_state : "unknown";

    if (m->was_live && run_state_is_ended (state)) {
        migration_set_result (m, OUTCOME_GUEST_ENDED, EXIT_GUEST_ENDED, "nowhere",
                              "the guest ended by itself during the move; it arrived in run state "
                              "\"%s\"",
                              state);
        return;
    }
    migration_set_result (m, OUTCOME_COMPLETED, EXIT_DONE, "destination",
                          "the guest is on the destination (%s)", state);
}

void
migration_succeed (Migration *m)
{
    if (!m->destination) {
        say_handed_over (m);
        return;
    }
    say_arrived (m);
    m->result.source_kept = m->source && !may_quit_source (m);
    if (may_quit_source (m))
        vm_tell (m->source, "quit", NULL, NULL);
}

/* Parameters first: credentials that are in use cannot be removed. */
static void
put_back_end (Migration *m, Vm *vm)
{
    json_object *capabilities = qmp_peek (m->before[vm->end], "capabilities");
    json_object *parameters = qmp_peek (m->before[vm->end], "parameters");
    g_autoptr (GError) error = NULL;

    if ((!parameters ||
         vm_tell (vm, "migrate-set-parameters", json_object_get (parameters), &error)) &&
        (!capabilities ||
         vm_tell (vm, "migrate-set-capabilities", json_object_get (capabilities), &error)) &&
        tls_remove (vm, &m->tls, &error))
        return;
    migration_notice (m, "warning", "put-back", "could not put back what was set: %s",
                      error->message);
}

/* A destination that still waits takes changes in mid-stream, so it is left alone. */
static gboolean
may_put_back (const Migration *m, Vm *vm)
{
    MigrationStatus status;

    if (!vm || qmp_client_broken (vm->client) || m->gone[vm->end] ||
        !vm_query_status (vm, SETTLE_ANSWER_US, &status, NULL, NULL))
        return FALSE;
    if (vm->end == END_DESTINATION && status == STATUS_NONE)
        return !m->incoming_sent;
    return status == STATUS_NONE || status_is_terminal (status);
}

static void
clean_up_destination (Migration *m)
{
    MigrationStatus status;

    /* One that failed was only kept to tell why; it can take no other guest. */
    if (m->destination && m->incoming_sent && g_strcmp0 (m->result.guest_runs_on, "source") == 0 &&
        !qmp_client_broken (m->destination->client) &&
        vm_query_status (m->destination, SETTLE_ANSWER_US, &status, NULL, NULL) &&
        status == STATUS_FAILED)
        quit_destination (m);
}

static gboolean
is_settled (const Migration *m)
{
    switch (m->result.outcome) {
    case OUTCOME_FAILED:
    case OUTCOME_COMPLETED:
    case OUTCOME_HANDED_OVER:
    case OUTCOME_CANCELLED:
    case OUTCOME_GUEST_ENDED:
    case OUTCOME_PLANNED:
        return TRUE;
    case OUTCOME_POSTCOPY_PAUSED:
    case OUTCOME_UNDECIDED:
    case OUTCOME_LEFT:
        return FALSE;
    }
    return FALSE;
}

void
migration_put_back (Migration *m)
{
    if (!m->touched || !is_settled (m))
        return;
    clean_up_destination (m);
    if (may_put_back (m, m->source))
        put_back_end (m, m->source);
    if (may_put_back (m, m->destination))
        put_back_end (m, m->destination);
    if (m->journal)
        journal_finish (m->journal);
}
