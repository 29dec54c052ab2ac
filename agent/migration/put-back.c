/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Nothing of ours stays behind: what was set goes back where the guest lives on, a destination that
 * can never run is quit, the journal goes. */
#include "agent/migration/migration.h"
#include "agent/migration/tls.h"
#include "qmp/value.h"

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

static gboolean
ask_status (Migration *m, Vm *vm, MigrationStatus *ret_status)
{
    return vm && !qmp_client_broken (vm->client) && !m->gone[vm->end] && !m->silent[vm->end] &&
           vm_query_status (vm, migration_settle_answer_us (m), ret_status, NULL, NULL);
}

/* A destination takes changes in mid-stream, so one that may still receive is left alone; one that
 * listens and gets no guest from us any more is not in mid-stream. */
static gboolean
may_put_back (Migration *m, Vm *vm)
{
    gboolean stays = g_strcmp0 (m->result.guest_runs_on, "source") == 0;
    MigrationStatus status;

    if (!ask_status (m, vm, &status))
        return FALSE;
    if (vm->end == END_DESTINATION && !stays)
        return status_is_terminal (status) || (status == STATUS_NONE && !m->incoming_sent);
    return status == STATUS_NONE || status == STATUS_SETUP || status_is_terminal (status);
}

/* What is of no use to anybody: it has begun to take the guest in, and never will. One that only
 * listens can take another. */
static gboolean
is_spent (MigrationStatus status)
{
    return status != STATUS_NONE && status != STATUS_SETUP;
}

/* The guest is at the source: no copy may be left that somebody could continue. */
static void
clean_up_destination (Migration *m)
{
    g_autofree char *run_state = NULL;
    g_autoptr (GError) error = NULL;
    MigrationStatus status;

    if (g_strcmp0 (m->result.guest_runs_on, "source") != 0 || !m->incoming_sent)
        return;
    if (!ask_status (m, m->destination, &status)) {
        if (m->destination && !m->gone[END_DESTINATION])
            migration_notice (m, "warning", "stale-destination",
                              "the destination's QEMU does not answer and could not be quit: when "
                              "it wakes, its copy of the guest is stale and must never be "
                              "continued: quit it");
        return;
    }
    run_state = vm_query_run_state (m->destination, migration_settle_answer_us (m), NULL);
    if (is_spent (status) && !run_state_is_live (run_state) &&
        !vm_tell (m->destination, "quit", NULL, &error) &&
        !qmp_client_broken (m->destination->client))
        migration_notice (m, "warning", "stale-destination",
                          "the destination's copy of the guest is stale and must never be "
                          "continued, but could not be quit: %s",
                          error->message);
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
