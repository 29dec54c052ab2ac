/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Brings whatever was left to an end: a migration whose qmpmig was killed at any point, a broken
 * postcopy, an open decision. The journal says what was about to happen, the QEMUs what did; the
 * table in settle.c decides, the same as after a failure. */
#include "agent/commands/command.h"
#include "agent/migration/error.h"
#include "agent/migration/migration.h"
#include "agent/state.h"
#include "qmp/value.h"

static void
take_facts (Migration *m)
{
    json_object *facts = journal_facts (m->journal);
    MigrateOptions *o = m->options;

    m->was_live = qmp_peek_bool (facts, "was_live", FALSE);
    m->limits = (Limits){
        .max_downtime_us = qmp_peek_uint (facts, "max_downtime_us", o->max_downtime_us),
        .max_stall_us = qmp_peek_uint (facts, "max_downtime_us", o->max_downtime_us),
        .max_throttle_pct = (guint)qmp_peek_uint (facts, "max_throttle_pct", 99),
    };
    m->rule = (Rule){
        .postcopy = (PostcopyMode)qmp_peek_uint (facts, "postcopy", POSTCOPY_NEVER),
        .steers_throttle = qmp_peek_bool (facts, "steers_throttle", FALSE),
        .if_stuck = (StuckAction)qmp_peek_uint (facts, "if_stuck", STUCK_WAIT),
    };
    if (o->on_success == ON_SUCCESS_AUTO)
        o->on_success = (OnSuccess)qmp_peek_uint (facts, "on_success", ON_SUCCESS_AUTO);
    o->tls.kind = (TlsKind)qmp_peek_uint (facts, "tls.kind", TLS_NONE);
    g_free (o->tls.authz);
    o->tls.authz = g_strdup (qmp_peek_string (facts, "tls.authz", NULL));
    m->tls = o->tls;
    m->before[END_SOURCE] = json_object_get (qmp_peek (facts, "source_before"));
    m->before[END_DESTINATION] = json_object_get (qmp_peek (facts, "destination_before"));
}

static void
take_steps (Migration *m)
{
    m->touched = TRUE;
    m->autostart_cleared = journal_has (m->journal, JOURNAL_AUTOSTART);
    m->incoming_sent = m->autostart_cleared;
    m->we_stopped = journal_has (m->journal, JOURNAL_STOPPED);
    m->postcopy_sent = journal_has (m->journal, JOURNAL_OWNED);
    m->told_to_run = journal_has (m->journal, JOURNAL_TOLD_TO_RUN);
    m->ran_there = journal_has (m->journal, JOURNAL_ARRIVED);
}

/* The monitor of one end, from the journal, or as given when there is none. Owned by the caller. */
static QmpAddress *
address_of (const Migration *m, End end)
{
    const QmpAddress *given = end == END_SOURCE ? m->global->socket : m->options->dest_socket;
    const char *text = given ? given->text : NULL;

    if (m->journal)
        text = qmp_peek_string (journal_facts (m->journal), end_name (end), NULL);
    return text ? qmp_address_parse (text, NULL) : NULL;
}

static gboolean
is_process_gone (const Migration *m, End end)
{
    g_autofree char *key = g_strconcat (end_name (end), "_pid", NULL);
    guint64 pid = m->journal ? qmp_peek_uint (journal_facts (m->journal), key, 0) : 0;

    return pid != 0 && !vm_process_is_qemu ((pid_t)pid);
}

/* An end that cannot be reached is silent, or gone when the kernel says so: both are answers. */
static gboolean
open_end (Migration *m, End end, const char *confirmed, GError **error)
{
    g_autoptr (QmpAddress) address = address_of (m, end);
    g_autoptr (GError) why = NULL;
    Vm *vm;

    m->named[end] = address != NULL;
    if (!address)
        return TRUE;
    vm = vm_open (m->context, address, end, m->global, m->leave, &why);
    if (g_strcmp0 (confirmed, end_name (end)) == 0) {
        if (vm) {
            vm_close (vm);
            return migrate_fail (error, EXIT_REFUSED,
                                 "--confirm-dead %s: it is not: QEMU answers at %s", end_name (end),
                                 address->text);
        }
        m->gone[end] = TRUE;
    }
    if (end == END_SOURCE)
        m->source = vm;
    else
        m->destination = vm;
    if (vm)
        return TRUE;
    m->gone[end] = m->gone[end] || is_process_gone (m, end);
    g_free (m->unreachable[end]);
    m->unreachable[end] =
        g_strconcat (why->message, m->gone[end] ? " (its process is gone)" : "", NULL);
    return TRUE;
}

/* After the header, which is a record's first line. */
static void
tell_unreachable (Migration *m)
{
    for (End end = END_SOURCE; end <= END_DESTINATION; end++) {
        if (m->unreachable[end])
            migration_notice (m, "warning", "unreachable", "%s", m->unreachable[end]);
        g_clear_pointer (&m->unreachable[end], g_free);
    }
}

void
migration_see_destination (Migration *m)
{
    if (m->named[END_DESTINATION] && !m->destination && !m->gone[END_DESTINATION])
        open_end (m, END_DESTINATION, NULL, NULL);
    tell_unreachable (m);
}

/* Without a journal a lone monitor tells by its run state which end it is; a destination alone
 * does not know what became of its source. */
static gboolean
check_known (const Migration *m, GError **error)
{
    if (m->journal || !m->source)
        return TRUE;
    if (vm_is_incoming (m->source) ||
        (status_is_postcopy (m->source->status) && !m->options->dest_socket &&
         g_strcmp0 (m->source->run_state, "running") == 0))
        return migrate_fail (error, EXIT_REFUSED,
                             "%s is a destination, and no journal here tells of its source: give "
                             "--socket SOURCE --dest-socket DESTINATION",
                             m->global->socket->text);
    if (!status_is_running (m->source->status))
        return migrate_fail (error, EXIT_REFUSED,
                             "nothing to recover: no migration of %s was left unfinished (status "
                             "%s)",
                             vm_title (m->source), m->source->status_text);
    return TRUE;
}

static gboolean
find_uri (Migration *m, GError **error)
{
    const char *text = m->options->uri;

    if (!text && m->journal)
        text = qmp_peek_string (journal_facts (m->journal), "uri", NULL);
    if (!text || (g_str_has_prefix (text, "fd:") && !m->options->uri))
        return TRUE;
    m->uri = migration_uri_parse (text, TRUE, error);
    return m->uri != NULL;
}

static gboolean
attach (Migration *m, const char *confirmed, GError **error)
{
    m->journal = journal_find (m->global->socket, error);
    if (!m->journal && *error)
        return FALSE;
    if (m->journal) {
        take_facts (m);
        take_steps (m);
        m->id = g_strdup (journal_id (m->journal));
    }
    if (!find_uri (m, error) || !open_end (m, END_SOURCE, confirmed, error) ||
        !open_end (m, END_DESTINATION, confirmed, error) || !check_known (m, error))
        return FALSE;
    if (!m->source && !m->destination && !m->gone[END_SOURCE] && !m->gone[END_DESTINATION])
        return migrate_fail (error, EXIT_UNREACHABLE, "neither end answers");
    if (m->source && !m->id)
        m->id = state_migration_id (m->source->name, m->source->uuid, 0);
    return TRUE;
}

/* Without a journal we know what QEMU shows: a source that migrates was running, or is stopped by
 * the handover itself. */
static gboolean
assume_facts (Migration *m, GError **error)
{
    if (m->journal)
        return TRUE;
    m->was_live = run_state_is_live (m->source->run_state) ||
                  g_strcmp0 (m->source->run_state, "finish-migrate") == 0 ||
                  g_strcmp0 (m->source->run_state, "postmigrate") == 0;
    m->postcopy_sent = status_is_postcopy (m->source->status);
    m->touched = TRUE;
    m->limits = (Limits){ .max_downtime_us = m->options->max_downtime_us,
                          .max_stall_us = m->options->max_downtime_us,
                          .max_throttle_pct = m->options->max_throttle_pct };
    m->rule = (Rule){ .postcopy = POSTCOPY_NEVER, .if_stuck = m->options->if_stuck };
    return TRUE;
}

static void
note_source (Migration *m)
{
    if (!m->source)
        return;
    m->status = m->source->status;
    m->source_run_state = g_strdup (m->source->run_state);
    m->continued = m->status == STATUS_DEVICE || m->status == STATUS_COMPLETED ||
                   status_is_postcopy (m->status);
    m->migrate_us = m->progress_us = g_get_monotonic_time ();
}

static void
tell_only (Migration *m)
{
    SettleView view = migration_view (m, TRUE);
    const SettleRow *row = settle_decide (&view);

    migration_set_result (m, OUTCOME_PLANNED, EXIT_DONE, "unknown",
                          "dry run, nothing was changed; recover would: %s (%s)",
                          settle_action_name (row->action), row->why);
}

/* Goes on where the table says that going on is possible; what fails then is settled for good. */
static void
bring_to_an_end (Migration *m)
{
    GError *error = NULL;
    SettleAction action = migration_settle (m, NULL, TRUE);
    gboolean ok;

    if (action != SETTLE_CARRY_ON && action != SETTLE_POSTCOPY_RECOVER)
        return;
    if (action == SETTLE_POSTCOPY_RECOVER && !m->uri) {
        migration_add_check (m, "The stream's descriptor cannot be opened again: name an address.");
        migration_add_command (m, "qmpmig --socket %s recover tcp:HOST:PORT",
                               m->global->socket->text);
        return;
    }
    g_clear_pointer (&m->result.check, g_ptr_array_unref);
    g_clear_pointer (&m->result.commands, g_ptr_array_unref);
    ok = action == SETTLE_CARRY_ON ? migration_carry_on (m, &error)
                                   : migration_recover_postcopy (m, &error);
    if (ok)
        migration_succeed (m);
    else
        migration_settle (m, error, FALSE);
}

ExitCode
migration_recover (Migration *m, const char *confirmed, gboolean dry_run)
{
    GError *error = NULL;

    m->started_us = g_get_monotonic_time ();
    if (!attach (m, confirmed, &error) || !assume_facts (m, &error)) {
        migration_set_result (m, OUTCOME_FAILED, exit_code_of (error), "unknown", "%s",
                              error->message);
        m->result.error = error;
    } else {
        note_source (m);
        migration_post_header (m);
        tell_unreachable (m);
        if (dry_run) {
            tell_only (m);
        } else {
            bring_to_an_end (m);
            migration_put_back (m);
        }
    }
    migration_post_result (m);
    return m->result.exit_code;
}
