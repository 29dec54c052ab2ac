/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Brings whatever was left to an end: a migration whose qmpmig was killed at any point, a broken
 * postcopy, an open decision. The journal says what was about to happen, the QEMUs what did; the
 * table in settle.c decides, the same as after a failure. */
#include "agent/commands/command.h"
#include "agent/migration/error.h"
#include "agent/migration/verdict.h"
#include "agent/state.h"
#include "qmp/value.h"

/* -- What the journal knows -- */

static void
take_policy (MigrateOptions *o, json_object *facts)
{
    json_object *keys = qmp_peek (facts, "policy_keys");
    const char *name = qmp_peek_string (facts, "policy", NULL);

    if (!name)
        return;
    g_free (o->policy);
    o->policy = g_strdup (name);
    if (!json_object_is_type (keys, json_type_object))
        return;
    json_object_object_foreach (keys, key, value)
        named_value_put (o->policy_keys, key, json_object_get_string (value), NULL);
}

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
        .postcopy = (enum qmpmig_postcopy)qmp_peek_uint (facts, "postcopy", 0),
        .if_stuck = (enum qmpmig_if_stuck)qmp_peek_uint (facts, "if_stuck", 0),
    };
    m->helm.steers_throttle = qmp_peek_bool (facts, "steers_throttle", FALSE);
    take_policy (o, facts);
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
    m->autostart_cleared = journal_has (m->journal, JOURNAL_AUTOSTART);
    m->incoming_sent = m->autostart_cleared;
    m->we_stopped = journal_has (m->journal, JOURNAL_STOPPED);
    m->postcopy_sent = journal_has (m->journal, JOURNAL_OWNED);
    m->told_to_run = journal_has (m->journal, JOURNAL_TOLD_TO_RUN);
    m->ran_there = journal_has (m->journal, JOURNAL_ARRIVED);
}

static gboolean
is_incoming (const Migration *m)
{
    return m->journal &&
           g_strcmp0 (qmp_peek_string (journal_facts (m->journal), "role", NULL), "incoming") == 0;
}

/* -- The ends -- */

/* The monitor of one end, from the journal, or as given. Owned by the caller. */
static QmpAddress *
address_of (const Migration *m, End end)
{
    const QmpAddress *given = end == END_SOURCE ? m->global->socket : m->options->dest_socket;
    const char *text = NULL;

    if (m->journal)
        text = qmp_peek_string (journal_facts (m->journal), end_name (end), NULL);
    if (!text && given && !(is_incoming (m) && end == END_SOURCE))
        text = given->text;
    return text ? qmp_address_parse (text, NULL) : NULL;
}

static gboolean
refuse_confirmation (const Migration *m, End end, const QmpAddress *address, gboolean answers,
                     GError **error)
{
    pid_t pid = migration_pid (m, end);

    if (answers)
        return migrate_fail (error, EXIT_REFUSED,
                             "--confirm-dead %s: it is not: QEMU answers at %s", end_name (end),
                             address->text);
    if (vm_process_is_qemu (pid))
        return migrate_fail (error, EXIT_REFUSED,
                             "--confirm-dead %s: it is not: its process %d is there; end it first "
                             "(kill -9 %d)",
                             end_name (end), (int)pid, (int)pid);
    return TRUE;
}

/* Another QEMU may have been started at the same address since: it is not the one that had the
 * guest. */
static gboolean
is_the_one (const Migration *m, const Vm *vm)
{
    g_autofree char *key = g_strconcat (end_name (vm->end), "_pid", NULL);
    guint64 pid = m->journal ? qmp_peek_uint (journal_facts (m->journal), key, 0) : 0;

    return pid == 0 || !vm->is_qemu_process || (guint64)qmp_client_peer_pid (vm->client) == pid;
}

static Vm *
open_vm (Migration *m, const QmpAddress *address, End end, GError **error)
{
    g_autoptr (Vm) vm = vm_open (m->context, address, end, m->global, m->leave, error);

    if (!vm || is_the_one (m, vm))
        return g_steal_pointer (&vm);
    migrate_fail (error, EXIT_UNREACHABLE, "%s: another QEMU is at %s now", end_name (end),
                  address->text);
    return NULL;
}

static void
note_unreachable (Migration *m, End end, const GError *why)
{
    pid_t pid = migration_pid (m, end);

    m->gone[end] = m->gone[end] || (pid > 0 && !vm_process_is_qemu (pid));
    g_free (m->unreachable[end]);
    m->unreachable[end] =
        g_strconcat (why->message, m->gone[end] ? " (its process is gone)" : "", NULL);
}

/* An end that cannot be reached is silent, or gone when the kernel says so: both are answers. */
static gboolean
open_end (Migration *m, End end, const char *confirmed, GError **error)
{
    gboolean confirm = g_strcmp0 (confirmed, end_name (end)) == 0;
    g_autoptr (QmpAddress) address = address_of (m, end);
    g_autoptr (GError) why = NULL;
    g_autoptr (Vm) vm = address ? open_vm (m, address, end, &why) : NULL;

    m->named[end] = address != NULL;
    if (confirm && !refuse_confirmation (m, end, address, vm != NULL, error))
        return FALSE;
    m->gone[end] = confirm;
    m->confirmed_dead = m->confirmed_dead || (confirm && end == END_DESTINATION);
    if (address && !vm)
        note_unreachable (m, end, why);
    *(end == END_SOURCE ? &m->source : &m->destination) = g_steal_pointer (&vm);
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

/* -- Without a journal -- */

/* A lone monitor tells by its run state which end it is; a destination alone does not know what
 * became of its source. */
static gboolean
check_known (const Migration *m, const char *confirmed, GError **error)
{
    if (m->journal)
        return TRUE;
    if (!m->source)
        return migrate_fail (error, EXIT_UNREACHABLE,
                             "%s does not answer, and no journal here tells of a move",
                             m->global->socket->text);
    if (vm_is_incoming (m->source) ||
        (status_is_postcopy (m->source->status) && !m->options->dest_socket &&
         g_strcmp0 (m->source->run_state, "running") == 0))
        return migrate_fail (error, EXIT_REFUSED,
                             "%s is a destination, and no journal here tells of its source: give "
                             "--socket SOURCE --dest-socket DESTINATION",
                             m->global->socket->text);
    if (status_is_running (m->source->status))
        return TRUE;
    if (g_strcmp0 (m->source->run_state, "postmigrate") == 0 &&
        (confirmed || m->options->dest_socket))
        return TRUE;
    return migrate_fail (error, EXIT_REFUSED,
                         "nothing to recover: no migration of %s was left unfinished (status %s)",
                         vm_title (m->source), m->source->status_text);
}

/* What QEMU shows: a source that migrates was running, or is stopped by the handover itself. */
static void
assume_facts (Migration *m)
{
    m->was_live = run_state_is_live (m->source->run_state) ||
                  g_strcmp0 (m->source->run_state, "finish-migrate") == 0 ||
                  g_strcmp0 (m->source->run_state, "postmigrate") == 0;
    m->postcopy_sent = status_is_postcopy (m->source->status);
    m->limits = (Limits){ .max_downtime_us = m->options->max_downtime_us,
                          .max_stall_us = m->options->max_downtime_us,
                          .max_throttle_pct = m->options->max_throttle_pct };
    m->limits.if_stuck = m->options->if_stuck;
    m->id = state_migration_id (m->source->name, m->source->uuid,
                                (int)qmp_client_peer_pid (m->source->client));
}

/* What we do is written down as any other migration's is. */
static gboolean
begin_journal (Migration *m, GError **error)
{
    m->journal = journal_begin (m->id, migration_journal_facts (m), error);
    return m->journal && journal_step (m->journal, JOURNAL_STARTED, error) &&
           (!m->postcopy_sent || journal_step (m->journal, JOURNAL_OWNED, error));
}

/* -- Taking over -- */

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
        !open_end (m, END_DESTINATION, confirmed, error) || !check_known (m, confirmed, error))
        return FALSE;
    if (!m->source && !m->destination && !m->gone[END_SOURCE] && !m->gone[END_DESTINATION])
        return migrate_fail (error, EXIT_UNREACHABLE, "neither end answers");
    if (!m->journal)
        assume_facts (m);
    return TRUE;
}

static void
note_source (Migration *m)
{
    g_autoptr (GError) why = NULL;

    if (!m->source)
        return;
    m->status = m->source->status;
    m->source_run_state = g_strdup (m->source->run_state);
    m->continued = m->status == STATUS_DEVICE || m->status == STATUS_COMPLETED ||
                   status_is_postcopy (m->status);
    if (!vm_has_capability (m->source, "postcopy-ram"))
        m->limits.postcopy = QMPMIG_POSTCOPY_NEVER;
    m->migrate_us = m->progress_us = g_get_monotonic_time ();
    if (m->status == STATUS_ACTIVE && !migration_seat_policy (m, &why))
        migration_notice (m, "warning", "policy-lost", "%s: it goes on with what is set",
                          why->message);
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

static void
refuse (Migration *m, GError *error)
{
    migration_set_result (m, OUTCOME_FAILED, exit_code_before_start (error), "unknown", "%s",
                          error->message);
    m->result.error = error;
}

static void
take_over (Migration *m)
{
    GError *error = NULL;

    if (m->journal ? !journal_take_over (m->journal, &error) : !begin_journal (m, &error)) {
        refuse (m, error);
        return;
    }
    m->touched = TRUE;
    if (is_incoming (m) && !m->gone[END_SOURCE])
        migration_receive_on (m);
    else
        migration_bring_to_an_end (m, NULL, TRUE);
}

ExitCode
migration_recover (Migration *m, const char *confirmed, gboolean dry_run)
{
    GError *error = NULL;

    m->started_us = g_get_monotonic_time ();
    if (!attach (m, confirmed, &error)) {
        refuse (m, error);
    } else {
        note_source (m);
        migration_post_header (m);
        tell_unreachable (m);
        if (dry_run) {
            tell_only (m);
        } else {
            take_over (m);
            migration_put_back (m);
        }
    }
    migration_post_result (m);
    return m->result.exit_code;
}
