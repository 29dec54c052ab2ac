/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* How a migration ends. After any failure, and when another qmpmig's work is taken over, both ends
 * are asked, the table in settle.c says what that means, and it is done here; again, until it is
 * settled. */
#include "agent/migration/error.h"
#include "agent/migration/verdict.h"

/* How often a postcopy is carried on that fails again and again with both halves alive. */
#define MAX_ATTEMPTS 3

gint64
migration_settle_answer_us (const Migration *m)
{
    return MIN (SETTLE_ANSWER_US, m->global->reply_timeout_us);
}

/* -- Acts -- */

/* What was done, so that nothing is done twice and nothing is waited for without end: LATE one
 * --reply-timeout after the last act, given up after two. */
typedef struct {
    gint64 since_us;
    gboolean cancelled, yanked, stopped, quit;
} Attempts;

/* TRUE when this is the first time. */
static gboolean
begin_act (gboolean *done, gint64 *since_us)
{
    gboolean first = !*done;

    *done = TRUE;
    if (first)
        *since_us = g_get_monotonic_time ();
    return first;
}

/* Its word that it goes counts as proof once it has hung up: not every QEMU's process can be seen
 * from here. The journal knows first, so that nobody takes the copy for the guest later. */
static void
quit_destination (Migration *m)
{
    gint64 deadline_us = g_get_monotonic_time () + migration_settle_answer_us (m);
    g_autoptr (GError) error = NULL;

    if (!journal_step (m->journal, JOURNAL_ABANDONED, &error)) {
        migration_notice (m, "warning", "journal", "%s", error->message);
        return;
    }
    migration_hear_destination (m);
    if (!vm_tell (m->destination, "quit", NULL, NULL))
        return;
    while (!qmp_client_broken (m->destination->client) &&
           qmp_context_iterate (m->context, deadline_us))
        ;
    if (qmp_client_broken (m->destination->client))
        m->gone[END_DESTINATION] = TRUE;
}

/* The one that has not noticed; out-of-band, because it may be waiting for a page. */
static void
pause_postcopy (Migration *m, const SettleView *view)
{
    Vm *vm = view->source == SOURCE_POSTCOPY ? m->source : m->destination;
    g_autoptr (json_object) reply = qmp_client_call_full (
        vm->client, "migrate-pause", NULL, QMP_CALL_OOB, migration_settle_answer_us (m), NULL);
}

static void
attempt (Migration *m, SettleAction action, const SettleView *view, Attempts *done)
{
    switch (action) {
    case SETTLE_CANCEL:
        if (begin_act (&done->cancelled, &done->since_us))
            vm_tell (m->source, "migrate_cancel", NULL, NULL);
        break;
    case SETTLE_YANK:
        if (begin_act (&done->yanked, &done->since_us))
            vm_yank (m->source, migration_settle_answer_us (m), NULL);
        break;
    case SETTLE_STOP_SOURCE:
        if (begin_act (&done->stopped, &done->since_us))
            migration_pause_guest (m, NULL);
        break;
    case SETTLE_QUIT_DESTINATION:
        if (begin_act (&done->quit, &done->since_us))
            quit_destination (m);
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
    case SETTLE_POSTCOPY_STUCK:
    case SETTLE_GUEST_ENDED:
    case SETTLE_UNDECIDED:
        break;
    }
}

/* -- Conclusions -- */

/* The guest first, the reasons after. */
static void
keep_at_source (Migration *m, const SettleView *view, const GError *why)
{
    g_autoptr (GError) error = NULL;

    if (!journal_step (m->journal, JOURNAL_ABANDONED, &error))
        migration_notice (m, "warning", "journal", "%s", error->message);
    g_clear_error (&error);
    if (!migration_resume_source (m, &error)) {
        verdict_undecided (m, view, error->message);
        return;
    }
    if (m->was_live && run_state_is_ended (m->source_run_state)) {
        verdict_guest_ended (m, "it came to its end by itself on the source");
        return;
    }
    migration_hear_destination (m);
    verdict_source_keeps (m, why);
}

/* FALSE when the destination said no: then there is something else to do. */
static gboolean
keep_at_destination (Migration *m, const SettleView *view)
{
    g_autoptr (GError) error = NULL;

    if (migration_run_destination (m, &error)) {
        migration_succeed (m);
        return TRUE;
    }
    migration_notice (m, "warning", "destination", "%s", error->message);
    if (m->refused_to_run && !(view->facts & FACT_REFUSED)) {
        if (!m->result.error)
            m->result.error = g_steal_pointer (&error);
        return FALSE;
    }
    verdict_undecided (m, view, error->message);
    return TRUE;
}

/* What is left to do once the table has spoken for good. FALSE: look again. */
static gboolean
conclude (Migration *m, const SettleRow *row, const SettleView *view)
{
    switch (row->action) {
    case SETTLE_SOURCE_KEEPS:
        keep_at_source (m, view, m->result.error);
        break;
    case SETTLE_DESTINATION_KEEPS:
        return keep_at_destination (m, view);
    case SETTLE_HANDED_OVER:
        verdict_handed_over (m);
        break;
    case SETTLE_POSTCOPY_PAUSE:
    case SETTLE_POSTCOPY_RECOVER:
    case SETTLE_POSTCOPY_STUCK:
        verdict_postcopy_paused (m, view, row->why);
        break;
    case SETTLE_GUEST_ENDED:
        verdict_guest_ended (m, row->why);
        break;
    case SETTLE_CARRY_ON:
        break;
    case SETTLE_WAIT:
    case SETTLE_CANCEL:
    case SETTLE_YANK:
    case SETTLE_STOP_SOURCE:
    case SETTLE_QUIT_DESTINATION:
    case SETTLE_UNDECIDED:
        verdict_undecided (m, view, row->why);
        break;
    }
    return TRUE;
}

/* -- The loop -- */

static SettleAction
settle (Migration *m, gboolean forward)
{
    Attempts done = { .since_us = g_get_monotonic_time () };
    const SettleRow *last = NULL;

    for (;;) {
        /* Measured before the look: a silent end takes its time for that too. */
        gint64 waited_us = g_get_monotonic_time () - done.since_us;
        SettleView view = migration_view (m, forward);
        const SettleRow *row;

        if (waited_us > m->global->reply_timeout_us)
            view.facts |= FACT_LATE;
        row = settle_decide (&view);
        if (row != last)
            migration_notice (m, "info", "settle", "%s: %s", settle_action_name (row->action),
                              row->why);
        last = row;
        if ((settle_is_final (row->action) || waited_us > 2 * m->global->reply_timeout_us) &&
            conclude (m, row, &view))
            return row->action;
        attempt (m, row->action, &view, &done);
        migration_wait (m, g_get_monotonic_time () + SAMPLE_PERIOD_US, NULL);
    }
}

/* Between pre-switchover and its `cont` over there the guest stands still, and only we can end
 * that. */
static gboolean
stands_between (Migration *m)
{
    MigrationStatus status;

    if (!m->source || m->ran_there ||
        !vm_query_status (m->source, migration_settle_answer_us (m), &status, NULL, NULL))
        return FALSE;
    m->status = status;
    return status == STATUS_PRE_SWITCHOVER || status == STATUS_DEVICE ||
           status == STATUS_COMPLETED || (status_is_postcopy (status) && m->destination);
}

/* TRUE when we go at once; FALSE when the guest has to be brought to an end first. */
static gboolean
leave_at_once (Migration *m)
{
    migration_stay (m);
    if (stands_between (m))
        return FALSE;
    verdict_left (m, "left while it goes on");
    return TRUE;
}

/* The journal announces `cont` before the source has completed. Who ends without having said it
 * knows better, and whoever comes next may then give the guest back. */
static void
retract_announcement (Migration *m)
{
    g_autoptr (GError) error = NULL;

    if (m->result.outcome == OUTCOME_UNDECIDED && !m->told_to_run &&
        !journal_retract (m->journal, JOURNAL_TOLD_TO_RUN, &error))
        migration_notice (m, "warning", "journal", "%s", error->message);
}

static void
take_reason (Migration *m, GError *why)
{
    g_clear_error (&m->result.error);
    m->result.error = why;
}

static void
forget_instructions (Migration *m)
{
    g_clear_pointer (&m->result.check, g_ptr_array_unref);
    g_clear_pointer (&m->result.commands, g_ptr_array_unref);
}

/* Who was asked to leave already is only here because the guest stands still. */
static gboolean
go_on (Migration *m, SettleAction action, GError **error)
{
    forget_instructions (m);
    if (!m->leave_wanted)
        migration_stay_no_longer (m);
    return action == SETTLE_CARRY_ON ? migration_carry_on (m, error)
                                     : migration_recover_postcopy (m, error);
}

/* Only one that was asked to goes on with a broken postcopy, once, and over an address. */
static gboolean
may_go_on (Migration *m, SettleAction action, gboolean forward)
{
    if (action == SETTLE_CARRY_ON)
        return TRUE;
    if (action != SETTLE_POSTCOPY_RECOVER || !forward)
        return FALSE;
    if (!m->uri)
        migration_add_check (m, "The stream's descriptor cannot be opened again: name another way, "
                                "`recover tcp:HOST:PORT`.");
    return m->uri != NULL;
}

static void
end (Migration *m, gboolean forward)
{
    for (guint turn = 0; turn < MAX_ATTEMPTS; turn++, forward = FALSE) {
        GError *error = NULL;
        SettleAction action;

        migration_stay (m);
        action = settle (m, forward);
        if (!may_go_on (m, action, forward))
            return;
        if (go_on (m, action, &error)) {
            migration_succeed (m);
            return;
        }
        take_reason (m, error);
        if (g_error_matches (error, QMP_ERROR, QMP_ERROR_CANCELLED) && leave_at_once (m))
            return;
    }
    verdict_left (m, m->result.error ? m->result.error->message : "left while it goes on");
}

/* Before `migrate` nothing goes on that could be left: what was set goes back. */
static gboolean
may_be_left (const Migration *m)
{
    return m->migrate_us || !g_str_equal (m->role, "migrate");
}

static void
call_off (GError **why)
{
    g_clear_error (why);
    migrate_fail (why, EXIT_CANCELLED, "nothing was started: asked to leave before the start");
}

void
migration_bring_to_an_end (Migration *m, GError *why, gboolean forward)
{
    m->cancel_wanted = FALSE;
    if (g_error_matches (why, QMP_ERROR, QMP_ERROR_CANCELLED) && !may_be_left (m))
        call_off (&why);
    take_reason (m, why);
    if (why && g_error_matches (why, QMP_ERROR, QMP_ERROR_CANCELLED)) {
        if (leave_at_once (m))
            return;
        forward = TRUE;
    }
    if (!m->touched) {
        migration_set_result (m, OUTCOME_FAILED, EXIT_INTERNAL, "source", "nothing was changed: %s",
                              why ? why->message : "");
        return;
    }
    end (m, forward);
    retract_announcement (m);
    if (m->result.exit_code == EXIT_DONE)
        g_clear_error (&m->result.error);
}

/* -- The happy end -- */

static gboolean
may_quit_source (const Migration *m)
{
    if (m->options->on_success == ON_SUCCESS_KEEP || !m->source || !m->destination)
        return FALSE;
    return m->result.outcome == OUTCOME_COMPLETED && !qmp_client_broken (m->source->client);
}

void
migration_succeed (Migration *m)
{
    if (!m->destination) {
        verdict_handed_over (m);
        return;
    }
    verdict_arrived (m);
    m->result.source_kept = m->source && !may_quit_source (m);
    if (may_quit_source (m))
        vm_tell (m->source, "quit", NULL, NULL);
}
