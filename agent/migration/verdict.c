/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "agent/migration/verdict.h"

#include <string.h>

#include "agent/migration/error.h"

/* As a person would type it: quotes where a shell needs them. Owned by the caller. */
static char *
quoted (const QmpAddress *address)
{
    const char *plain = G_CSET_A_2_Z G_CSET_a_2_z G_CSET_DIGITS "/:._-+@%=,";

    if (address->text[strspn (address->text, plain)] == '\0')
        return g_strdup (address->text);
    return g_shell_quote (address->text);
}

/* REST follows `recover`: " --confirm-dead destination", or nothing. */
static void
add_recover (Migration *m, const char *rest)
{
    g_autofree char *socket = quoted (m->global->socket);

    migration_add_command (m, "qmpmig --socket %s recover%s", socket, rest);
}

/* "the source's QEMU (process 4711, monitor /run/src.sock)"; owned by the caller. */
static char *
name_qemu (const Migration *m, End end)
{
    const Vm *vm = end == END_SOURCE ? m->source : m->destination;
    pid_t pid = migration_pid (m, end);

    if (pid > 0 && vm)
        return g_strdup_printf ("the %s's QEMU (process %d, monitor %s)", end_name (end), (int)pid,
                                vm->address->text);
    if (pid > 0)
        return g_strdup_printf ("the %s's QEMU (process %d)", end_name (end), (int)pid);
    return g_strdup_printf ("the %s's QEMU%s%s", end_name (end), vm ? " at monitor " : "",
                            vm ? vm->address->text : "");
}

static void
ask_whether_it_lives (Migration *m, End end)
{
    g_autofree char *qemu = name_qemu (m, end);

    migration_add_check (m, "Does %s still live? One that hangs for good has to be killed.", qemu);
}

static void
ask_about_silent (Migration *m, gboolean source, gboolean destination)
{
    if (source)
        ask_whether_it_lives (m, END_SOURCE);
    if (destination)
        ask_whether_it_lives (m, END_DESTINATION);
    migration_add_check (
        m, "When it answers again, or is seen to be dead on this host, look at both ends again:");
    add_recover (m, "");
    if (source) {
        migration_add_check (m, "Only if the source's is certainly dead where we cannot see it:");
        add_recover (m, " --confirm-dead source");
    }
    if (destination) {
        migration_add_check (m,
                             "Only if the destination's is certainly dead where we cannot see it:");
        add_recover (m, " --confirm-dead destination");
    }
}

static void
ask_about_unseen (Migration *m)
{
    migration_add_check (m, "Does the guest run at %s, or has the QEMU there got all of it?",
                         m->uri ? m->uri->text : "the destination");
    migration_add_check (m,
                         "If its monitor can be reached from here, add --dest-socket ADDRESS to:");
    add_recover (m, "");
    migration_add_check (m, "Only if that QEMU is certainly dead and the guest never ran there, "
                            "give the guest back to the source:");
    add_recover (m, " --confirm-dead destination");
}

static void
ask_about_dead (Migration *m)
{
    migration_add_check (m, "The destination's QEMU is dead. If the guest ran there and wrote to a "
                            "disk that both ends share, the source's memory is out of date: then "
                            "quit the source's QEMU and boot the guest anew.");
    migration_add_check (m, "If it did not, give the guest back to the source:");
    add_recover (m, " --confirm-dead destination");
}

static void
ask_about_both (Migration *m, const SettleView *view)
{
    g_autofree char *source = m->source ? quoted (m->source->address) : NULL;
    g_autofree char *there = m->destination ? quoted (m->destination->address) : NULL;

    if (!source || !there)
        return;
    if (view->destination != DESTINATION_RUNS && view->destination != DESTINATION_WHOLE)
        migration_add_check (m, "The destination's ran last, and lacks memory that the source "
                                "cannot send any more. The source's is from before that: what the "
                                "guest has written to a shared disk since then does not fit it.");
    migration_add_check (m, "Which of the two is the one to keep? The other has to go.");
    migration_add_check (m, "To keep the source's:");
    migration_add_command (m, "qmpmig --socket %s qmp quit", there);
    migration_add_check (m, "To keep the destination's:");
    migration_add_command (m, "qmpmig --socket %s qmp quit", source);
}

static void
ask_operator (Migration *m, const SettleView *view)
{
    gboolean source = view->source == SOURCE_SILENT;
    gboolean destination = view->destination == DESTINATION_SILENT;

    if (view->source == SOURCE_RUNS || view->destination == DESTINATION_RUNS ||
        view->destination == DESTINATION_POSTCOPY ||
        view->destination == DESTINATION_POSTCOPY_PAUSED)
        ask_about_both (m, view);
    else if (source || destination)
        ask_about_silent (m, source, destination);
    else if (view->destination == DESTINATION_UNSEEN)
        ask_about_unseen (m);
    else if (view->destination == DESTINATION_DEAD && view->source == SOURCE_COMPLETED)
        ask_about_dead (m);
    if (!m->result.commands) {
        migration_add_check (m, "What do both ends say now?");
        add_recover (m, "");
    }
}

void
verdict_undecided (Migration *m, const SettleView *view, const char *why)
{
    gboolean runs = view->source == SOURCE_RUNS || view->destination == DESTINATION_RUNS ||
                    view->destination == DESTINATION_POSTCOPY ||
                    view->destination == DESTINATION_POSTCOPY_PAUSED;
    gboolean known = !runs && view->source != SOURCE_SILENT &&
                     view->destination != DESTINATION_SILENT &&
                     view->destination != DESTINATION_UNSEEN;

    g_clear_pointer (&m->result.run_state, g_free);
    migration_set_result (m, OUTCOME_UNDECIDED, EXIT_UNDECIDED, known ? "nowhere" : "unknown",
                          "decision needed: %s%s%s", why, m->result.error ? "; " : "",
                          m->result.error ? m->result.error->message : "");
    ask_operator (m, view);
}

/* What became of the destination, in its own words where it has any. NULL: nothing is known. */
static const char *
destination_reason (const Migration *m, const GError *why)
{
    if (m->destination_error && !(why && strstr (why->message, m->destination_error)))
        return m->destination_error;
    if (why && g_str_has_prefix (why->message, "destination: "))
        return NULL;
    return m->gone[END_DESTINATION] ? "its QEMU is gone" : NULL;
}

static const char *
source_reason (const Migration *m, const GError *why)
{
    return m->source_error && why && !strstr (why->message, m->source_error) ? m->source_error
                                                                             : NULL;
}

void
verdict_source_keeps (Migration *m, const GError *why)
{
    const char *here = source_reason (m, why);
    const char *there = destination_reason (m, why);

    g_free (m->result.run_state);
    m->result.run_state = g_strdup (m->source_run_state);
    if (why && g_error_matches (why, MIGRATE_ERROR, EXIT_CANCELLED))
        migration_set_result (m, OUTCOME_CANCELLED, EXIT_CANCELLED, "source", "%s", why->message);
    else
        migration_set_result (m, OUTCOME_FAILED, EXIT_FAILED, "source", "%s%s%s%s%s",
                              why ? why->message : "the migration had failed",
                              here ? "; source: " : "", here ? here : "",
                              there ? "; destination: " : "", there ? there : "");
    if (!m->result.error && m->result.outcome == OUTCOME_FAILED) /* recover found it so */
        migrate_fail (&m->result.error, EXIT_FAILED, "%s", m->result.text);
}

void
verdict_arrived (Migration *m)
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
verdict_handed_over (Migration *m)
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

void
verdict_postcopy_paused (Migration *m, const SettleView *view, const char *why)
{
    g_autofree char *source = name_qemu (m, END_SOURCE);
    g_autofree char *there = name_qemu (m, END_DESTINATION);

    migration_set_result (m, OUTCOME_POSTCOPY_PAUSED, EXIT_POSTCOPY_PAUSED, "both-halves",
                          "postcopy is paused: %s", why);
    if (view->source == SOURCE_SILENT)
        migration_add_check (m, "Does %s live? It has the rest of the guest's memory.", source);
    if (view->destination == DESTINATION_SILENT)
        migration_add_check (m, "Does %s live? The guest is there.", there);
    migration_add_check (m, "When both ends live and the link between them is back, bring it to "
                            "its end:");
    add_recover (m, "");
}

void
verdict_guest_ended (Migration *m, const char *why)
{
    migration_set_result (
        m, OUTCOME_GUEST_ENDED, EXIT_GUEST_ENDED, "nowhere", "%s%s%s; nothing was started by us",
        why, m->guest_event ? " after its event " : "", m->guest_event ? m->guest_event : "");
}

void
verdict_left (Migration *m, const char *why)
{
    g_autofree char *socket = quoted (m->global->socket);

    migration_set_result (
        m, OUTCOME_LEFT, EXIT_LEFT, m->ran_there ? "destination" : "unknown",
        "%s: `qmpmig --socket %s status` shows it, `recover` brings it to its end", why, socket);
}
