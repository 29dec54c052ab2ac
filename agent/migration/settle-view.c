/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* What both ends report and what we know, in the words of the settle table. */
#include "agent/migration/migration.h"
#include "qmp/value.h"

/* QEMU stops a guest that it has sent in run state finish-migrate, then postmigrate. A `completed`
 * in any other is an older migration's, or somebody has taken the guest back since. */
static gboolean
is_stopped_by_migration (const char *run_state)
{
    return g_strcmp0 (run_state, "postmigrate") == 0 ||
           g_strcmp0 (run_state, "finish-migrate") == 0;
}

static SourceState
source_state_of (MigrationStatus status, const char *run_state)
{
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
    case STATUS_COMPLETED:
        if (is_stopped_by_migration (run_state))
            return SOURCE_COMPLETED;
        return run_state_is_live (run_state) ? SOURCE_RUNS : SOURCE_FAILED;
    case STATUS_FAILED:
    case STATUS_CANCELLED:
        return run_state_is_live (run_state) ? SOURCE_RUNS : SOURCE_FAILED;
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

static gboolean
ask_status (Migration *m, Vm *vm, MigrationStatus *ret_status, char **desc)
{
    g_autoptr (json_object) reply = NULL;
    const char *text;

    if (!vm_query_status (vm, migration_settle_answer_us (m), ret_status, &reply, NULL))
        return FALSE;
    text = qmp_peek_string (reply, "error-desc", NULL);
    if (text) {
        g_free (*desc);
        *desc = g_strdup (text);
    }
    return TRUE;
}

/* Status and run state are two questions. An end that changes between them is asked again: an
 * incoming guest that has just become whole must not look like one that does not wait at all. */
static gboolean
ask_both (Migration *m, Vm *vm, MigrationStatus *ret_status, char **ret_run_state, char **desc)
{
    MigrationStatus before;
    guint turns = 0;

    if (!ask_status (m, vm, ret_status, desc))
        return FALSE;
    do {
        before = *ret_status;
        g_clear_pointer (ret_run_state, g_free);
        *ret_run_state = vm_query_run_state (vm, migration_settle_answer_us (m), NULL);
        if (!*ret_run_state || !ask_status (m, vm, ret_status, desc))
            return FALSE;
    } while (*ret_status != before && ++turns < 3);
    return TRUE;
}

/* FALSE when it is silent, or dead: then m->gone says so from now on. */
static gboolean
ask_end (Migration *m, Vm *vm, MigrationStatus *ret_status, char **ret_run_state, char **desc)
{
    gboolean answers = !m->gone[vm->end] && ask_both (m, vm, ret_status, ret_run_state, desc);

    if (!answers && vm_is_proven_dead (vm))
        m->gone[vm->end] = TRUE;
    m->silent[vm->end] = !answers;
    return answers;
}

static SourceState
look_at_source (Migration *m)
{
    MigrationStatus status = STATUS_NONE;
    g_autofree char *run_state = NULL;

    if (!m->source || !ask_end (m, m->source, &status, &run_state, &m->source_error))
        return m->gone[END_SOURCE] ? SOURCE_DEAD : SOURCE_SILENT;
    m->status = status;
    g_free (m->source_run_state);
    m->source_run_state = g_strdup (run_state);
    /* A status from before we sent anything is an older migration's. */
    if (m->journal && !journal_has (m->journal, JOURNAL_STARTED))
        return SOURCE_IDLE;
    return source_state_of (status, run_state);
}

static DestinationState
look_at_destination (Migration *m)
{
    MigrationStatus status = STATUS_NONE;
    g_autofree char *run_state = NULL;

    if (!m->named[END_DESTINATION] && !m->gone[END_DESTINATION])
        return DESTINATION_UNSEEN;
    if (!m->destination || !ask_end (m, m->destination, &status, &run_state, &m->destination_error))
        return m->gone[END_DESTINATION] ? DESTINATION_DEAD : DESTINATION_SILENT;
    return destination_state_of (status, run_state);
}

/* The source waits for our word in pre-switchover, and we have not given it. */
static gboolean
waits_for_word (const Migration *m)
{
    if (m->journal && !journal_has (m->journal, JOURNAL_STARTED))
        return TRUE;
    if (m->continued || !m->source)
        return FALSE;
    return m->plan ? plan_capability (m->plan, END_SOURCE, "pause-before-switchover")
                   : vm_has_capability (m->source, "pause-before-switchover");
}

static guint
facts_of (const Migration *m)
{
    guint facts = 0;

    facts |= m->told_to_run ? FACT_TOLD : 0;
    facts |= m->ran_there ? FACT_RAN_THERE : 0;
    facts |= m->autostart_cleared ? FACT_CLEARED : 0;
    facts |= m->postcopy_sent ? FACT_OWNED : 0;
    facts |= m->refused_to_run ? FACT_REFUSED : 0;
    facts |= m->confirmed_dead ? FACT_CONFIRMED : 0;
    facts |= m->journal && journal_has (m->journal, JOURNAL_ABANDONED) ? FACT_ABANDONED : 0;
    facts |= waits_for_word (m) ? FACT_BEFORE : 0;
    if (m->source && m->source->has_yank && qmp_client_has_oob (m->source->client))
        facts |= FACT_YANK;
    return facts;
}

SettleView
migration_view (Migration *m, gboolean forward)
{
    SettleView view = { .source = look_at_source (m), .destination = look_at_destination (m) };

    view.facts = facts_of (m) | (forward ? FACT_FORWARD : 0u);
    return view;
}
