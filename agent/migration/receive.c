/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Receiving a guest, with this end's monitor alone: it waits as long as it takes, and says what it
 * saw. The source is somebody else's, so a guest that is not whole here is never started. */
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "agent/commands/command.h"
#include "agent/migration/arrival.h"
#include "agent/migration/error.h"
#include "agent/migration/migration.h"
#include "agent/migration/receive-end.h"
#include "agent/migration/tls.h"
#include "agent/state.h"
#include "qmp/value.h"

static gboolean
look (Migration *m, GError **error)
{
    m->uri = migration_uri_parse (m->options->uri, m->options->allow_exec, error);
    if (!m->uri)
        return FALSE;
    m->destination =
        vm_open (m->context, m->global->socket, END_DESTINATION, m->global, m->leave, error);
    if (!m->destination)
        return FALSE;
    if (!m->configure (m, m->destination->name, m->destination->uuid, error))
        return FALSE;
    m->named[END_DESTINATION] = TRUE;
    m->id = state_migration_id (m->destination->name, m->destination->uuid,
                                (int)qmp_client_peer_pid (m->destination->client));
    if (plan_needs_schema (m->options, m->destination) &&
        !vm_read_schema (m->destination, NULL, error))
        return FALSE;
    m->plan = plan_new (m->options, m->uri, NULL, m->destination, error);
    if (!m->plan)
        return FALSE;
    m->limits.max_throttle_pct = m->options->max_throttle_pct;
    m->limits.max_downtime_us = m->limits.max_stall_us = m->options->max_downtime_us;
    migration_post_plan (m);
    return TRUE;
}

/* -S says: do not start by yourself. Only its own command line tells. */
static gboolean
was_started_stopped (const Vm *vm)
{
    g_autofree char *path =
        g_strdup_printf ("/proc/%d/cmdline", (int)qmp_client_peer_pid (vm->client));
    g_autofree char *text = NULL;
    gsize length = 0;

    if (!vm->is_qemu_process || !g_file_get_contents (path, &text, &length, NULL))
        return FALSE;
    for (const char *word = text; word < text + length; word += strlen (word) + 1)
        if (g_str_equal (word, "-S"))
            return TRUE;
    return FALSE;
}

static gboolean
begin (Migration *m, GError **error)
{
    json_object *capabilities = plan_capability_arguments (m->plan, END_DESTINATION, TRUE);
    json_object *parameters = plan_parameter_arguments (m->plan, END_DESTINATION, TRUE);

    m->before[END_DESTINATION] = json_object_new_object ();
    if (capabilities)
        json_object_object_add (m->before[END_DESTINATION], "capabilities", capabilities);
    if (parameters)
        json_object_object_add (m->before[END_DESTINATION], "parameters", parameters);
    m->tls = m->options->tls;
    m->journal = journal_begin (m->id, migration_journal_facts (m), error);
    m->touched = m->journal != NULL;
    return m->touched;
}

static gboolean
set_up (Migration *m, GError **error)
{
    Vm *vm = m->destination;
    json_object *capabilities = plan_capability_arguments (m->plan, END_DESTINATION, FALSE);
    json_object *parameters = plan_parameter_arguments (m->plan, END_DESTINATION, FALSE);

    return tls_create (vm, &m->options->tls, error) &&
           (!capabilities || vm_tell (vm, "migrate-set-capabilities", capabilities, error)) &&
           (!parameters || vm_tell (vm, "migrate-set-parameters", parameters, error));
}

/* For fd: we listen and accept, and QEMU gets the connection. Owned by the caller. */
static char *
incoming_uri (Migration *m, GError **error)
{
    g_autoptr (json_object) reply = NULL;
    int fd;

    if (m->uri->kind != URI_FD_TCP && m->uri->kind != URI_FD_UNIX && m->uri->kind != URI_FD)
        return g_strdup (m->uri->text);
    migration_notice (m, "info", "listening", "waiting for a connection on %s", m->uri->text);
    fd = migration_uri_open_fd (m->uri, m->uri->kind != URI_FD, -1, m->leave, error);
    if (fd < 0) {
        g_prefix_error (error, "%s: ", m->uri->text);
        return NULL;
    }
    reply = qmp_client_call_with_fd (m->destination->client, "getfd",
                                     qmp_object ("fdname", json_object_new_string ("qmpmig"), NULL),
                                     fd, error);
    close (fd);
    return reply ? g_strdup ("fd:qmpmig") : NULL;
}

static void
say_where (Migration *m)
{
    g_autoptr (json_object) reply = NULL;
    json_object *addresses;
    MigrationStatus status;
    g_autofree char *where = g_strdup (m->uri->text);

    if (vm_query_status (m->destination, 0, &status, &reply, NULL) &&
        (addresses = qmp_peek (reply, "socket-address")) && m->uri->kind == URI_TCP) {
        json_object *first = json_object_array_get_idx (addresses, 0);
        const char *port = first ? qmp_peek_string (first, "port", NULL) : NULL;

        g_free (where);
        where = migration_uri_with_port (m->uri, port ? (guint16)atoi (port) : m->uri->port);
    }
    migration_notice (m, "info", "listening", "listening on %s", where);
}

static gboolean
listen_for_guest (Migration *m, GError **error)
{
    g_autofree char *uri = NULL;

    if (m->destination->status == STATUS_SETUP) {
        migration_notice (m, "info", "listening", "QEMU listens already, as it was started");
        return TRUE;
    }
    uri = incoming_uri (m, error);
    if (!uri)
        return FALSE;
    m->incoming_sent = TRUE;
    if (!vm_listen (m->destination, uri, error))
        return FALSE;
    if (m->uri->kind != URI_FD_TCP && m->uri->kind != URI_FD_UNIX && m->uri->kind != URI_FD)
        say_where (m);
    return TRUE;
}

static gboolean
post_look (Migration *m, MigrationStatus status, json_object *reply, GError **error)
{
    g_autofree char *run_state = vm_query_run_state (m->destination, 0, error);
    json_object *sample;

    if (!run_state)
        return FALSE;
    sample = sample_from_qemu (reply, NULL, NULL);
    qmp_add_string (sample, "run_state", run_state);
    arrival_add (sample, status, reply);
    migration_post (m, "sample", sample);
    return TRUE;
}

static gboolean
take_status (Migration *m, MigrationStatus *ret_status, GError **error)
{
    g_autoptr (json_object) reply = NULL;
    const char *text;

    if (!vm_query_status (m->destination, 0, ret_status, &reply, error))
        return FALSE;
    text = qmp_peek_string (reply, "status", "none");
    if (g_strcmp0 (text, m->status_text) != 0) {
        g_free (m->status_text);
        m->status_text = g_strdup (text);
        if (!post_look (m, *ret_status, reply, error))
            return FALSE;
    }
    text = qmp_peek_string (reply, "error-desc", NULL);
    if (text) {
        g_free (m->destination_error);
        m->destination_error = g_strdup (text);
    }
    return TRUE;
}

/* A source in postcopy has let go of the guest; with -S it would stand still until all is here. */
static gboolean
await_guest (Migration *m, gboolean stopped, GError **error)
{
    for (;;) {
        MigrationStatus status;

        if (!take_status (m, &status, error))
            return FALSE;
        if (status == STATUS_COMPLETED)
            return TRUE;
        if (status == STATUS_FAILED)
            return migrate_fail (
                error, EXIT_FAILED, "destination: the incoming migration failed%s%s",
                m->destination_error ? ": " : "", m->destination_error ? m->destination_error : "");
        if (status == STATUS_POSTCOPY_ACTIVE && stopped && !m->told_to_run) {
            m->was_live = TRUE;
            if (!migration_run_destination (m, error))
                return FALSE;
        }
        if (!migration_wait (m, g_get_monotonic_time () + SAMPLE_PERIOD_US, error))
            return FALSE;
    }
}

static gboolean
receive (Migration *m, GError **error)
{
    gboolean stopped = was_started_stopped (m->destination);

    m->was_live = stopped;
    return begin (m, error) && set_up (m, error) && listen_for_guest (m, error) &&
           await_guest (m, stopped, error) && migration_run_destination (m, error);
}

static gboolean
go_on (Migration *m, GError **error)
{
    return await_guest (m, m->was_live, error) && migration_run_destination (m, error);
}

void
migration_receive_on (Migration *m)
{
    Vm *vm = m->destination;
    GError *error = NULL;

    if (!vm)
        receive_say_gone (m);
    else if (vm->status == STATUS_COMPLETED && m->was_live && !m->told_to_run &&
             !run_state_is_live (vm->run_state))
        receive_say_left_whole (m);
    else if (vm->status == STATUS_NONE)
        migration_set_result (m, OUTCOME_FAILED, EXIT_FAILED, "unknown",
                              "it had not begun to listen, so no guest came");
    else if (go_on (m, &error))
        receive_say_here (m);
    else
        receive_say_not_here (m, error);
    if (vm && m->result.outcome == OUTCOME_FAILED)
        receive_quit_failed (m);
}

ExitCode
migration_receive (Migration *m)
{
    GError *error = NULL;

    m->started_us = g_get_monotonic_time ();
    if (look (m, &error) && m->options->dry_run)
        migration_set_result (m, OUTCOME_PLANNED, EXIT_DONE, "unknown",
                              "dry run: nothing was changed");
    else if (!error && receive (m, &error))
        receive_say_here (m);
    else
        receive_say_not_here (m, error);
    if (m->destination && m->result.outcome == OUTCOME_FAILED)
        receive_quit_failed (m);
    migration_put_back (m);
    migration_post_result (m);
    return m->result.exit_code;
}
