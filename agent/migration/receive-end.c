/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "agent/migration/receive-end.h"

#include "agent/commands/command.h"
#include "agent/migration/error.h"

void
receive_say_here (Migration *m)
{
    const char *state = m->result.run_state ? m->result.run_state : "unknown";

    if (run_state_is_ended (state)) {
        migration_set_result (m, OUTCOME_GUEST_ENDED, EXIT_GUEST_ENDED, "nowhere",
                              "the guest arrived, and had ended by itself (%s)", state);
        return;
    }
    migration_set_result (m, OUTCOME_COMPLETED, EXIT_DONE, "destination", "the guest is here (%s)",
                          state);
    if (!run_state_is_live (state)) {
        migration_add_check (m, "It stood still at the source, or this QEMU was told to wait.");
        migration_add_command (m, "qmpmig --socket %s qmp cont", m->global->socket->text);
    }
}

/* What was not seen whole is not started; what has arrived is. */
void
receive_say_not_here (Migration *m, GError *error)
{
    m->result.error = error;
    if (g_error_matches (error, QMP_ERROR, QMP_ERROR_CANCELLED)) {
        migration_set_result (m, OUTCOME_LEFT, EXIT_LEFT, "unknown", "%s",
                              m->touched ? "`qmpmig recover` goes on with it: asked to leave"
                                         : "nothing was changed: asked to leave");
    } else if (m->told_to_run)
        migration_set_result (m, OUTCOME_UNDECIDED, EXIT_UNDECIDED, "unknown",
                              "the guest was told to run here, and then: %s", error->message);
    else if (!m->touched)
        migration_set_result (m, OUTCOME_FAILED, exit_code_before_start (error), "unknown", "%s",
                              error->message);
    else
        migration_set_result (m, OUTCOME_FAILED, EXIT_FAILED, "unknown",
                              "no guest arrived whole, and none was started here: %s",
                              error->message);
}

void
receive_quit_failed (Migration *m)
{
    MigrationStatus status;

    if (m->incoming_sent &&
        vm_query_status (m->destination, SETTLE_ANSWER_US, &status, NULL, NULL) &&
        status == STATUS_FAILED)
        vm_tell (m->destination, "quit", NULL, NULL);
}

/* It stands still here, and what its source has done meanwhile is not seen from here. */
void
receive_say_left_whole (Migration *m)
{
    g_autofree char *here = g_shell_quote (m->global->socket->text);

    migration_set_result (m, OUTCOME_UNDECIDED, EXIT_UNDECIDED, "unknown",
                          "decision needed: the whole guest is here and was never told to run; "
                          "its source may have taken it back since");
    migration_add_check (m,
                         "If the source's monitor can be reached from here, SOURCE being its "
                         "address, `qmpmig --socket SOURCE recover --dest-socket %s` decides.",
                         here);
    migration_add_check (m, "Only if the source has completed and stands still, or is dead:");
    migration_add_command (m, "qmpmig --socket %s qmp cont", here);
}

void
receive_say_gone (Migration *m)
{
    if (m->ran_there)
        migration_set_result (m, OUTCOME_GUEST_ENDED, EXIT_GUEST_ENDED, "nowhere",
                              "the guest ran here, and its QEMU is gone");
    else
        migration_set_result (m, OUTCOME_FAILED, EXIT_FAILED, "unknown",
                              "the QEMU that waited for the guest is gone%s",
                              m->told_to_run ? "; it may have run the guest before" : "");
}
