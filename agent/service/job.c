/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "agent/service/job.h"

#include <string.h>

#include "agent/migration/error.h"
#include "agent/service/guest.h"
#include "agent/service/job-internal.h"
#include "agent/state.h"
#include "agent/steering/trace-folder.h"
#include "qmp/value.h"

static const char *const engine_roles[] = {
    [ORDER_STEER] = "steer",
    [ORDER_START] = "migrate",
    [ORDER_RECOVER] = "recover",
};

/* -- The migration's thread -- */

/* QEMU may have another client of ours on another monitor; that is the operator's to know. */
static gboolean
check (const QmpAddress *monitor, GError **error)
{
    return TRUE;
}

static gboolean
tell_ended (gpointer data)
{
    Job *self = data;

    g_thread_join (g_steal_pointer (&self->thread));
    board_deliver (self->board); /* the last lines */
    g_clear_pointer (&self->control, control_server_free);
    g_clear_pointer (&self->board, board_free);
    g_clear_pointer (&self->trace, trace_free);
    self->events->ended (self, self->data);
    return G_SOURCE_REMOVE;
}

static void
work (Job *self)
{
    switch (self->order->kind) {
    case ORDER_STEER:
        migration_steer_foreign (&self->migration, self->order->waits, self->observes, check);
        return;
    case ORDER_START:
        migration_run (&self->migration);
        return;
    case ORDER_RECOVER:
        migration_recover (&self->migration, self->order->confirm, FALSE);
        return;
    }
}

static gpointer
run_thread (gpointer data)
{
    Job *self = data;

    g_main_context_acquire (self->migration.context);
    work (self);
    g_main_context_release (self->migration.context);
    board_close (self->board);
    g_idle_add (tell_ended, self);
    return NULL;
}

/* -- The main thread -- */

static void
on_line (json_object *line, gpointer data)
{
    Job *self = data;
    g_autofree char *trouble =
        self->trace ? trace_line (self->trace, line, board_text (self->board)) : NULL;

    if (g_str_equal (qmp_peek_string (line, "type", ""), "header"))
        job_take_names (self, line);
    if (trouble)
        g_warning ("%s", trouble);
    self->events->line (self, line, self->data);
}

static void
init_migration (Job *self)
{
    Migration *m = &self->migration;

    m->global = &self->global;
    m->options = self->options;
    m->role = engine_roles[self->order->kind];
    m->context = g_main_context_new ();
    m->leave = g_cancellable_new ();
    m->configure = job_meet_guest;
    m->configure_data = self;
    m->result.guest_runs_on = "unknown";
    m->qemu_downtime_us = SAMPLE_UNKNOWN;
    if (self->order->kind != ORDER_RECOVER) /* that one has it from the journal */
        m->id = g_strdup (self->order->id);
    if (self->order->found)
        json_object_deep_copy (self->order->found, &m->found, NULL);
    tracker_init (&m->tracker);
    m->board = self->board = board_new (NULL, m->context);
    board_hold (self->board);
}

static gboolean
serve (Job *self, GError **error)
{
    const QmpAddress *monitors[] = { self->global.socket, self->options->dest_socket, NULL };

    for (guint i = 0; monitors[i]; i++)
        if (monitors[i]->kind == QMP_ADDRESS_UNIX &&
            !g_file_test (monitors[i]->path, G_FILE_TEST_EXISTS))
            return migrate_fail (error, EXIT_UNREACHABLE, "%s: there is no such socket",
                                 monitors[i]->path);
    if (!self->global.socket)
        return TRUE;
    self->control = control_server_new (self->board, monitors, error);
    return self->control != NULL;
}

/* A socket, or "libvirt:DOMAIN", whose libvirt the configuration knows. */
static QmpAddress *
address_of (Job *self, GError **error)
{
    const char *text = self->order->address;

    if (!g_str_has_prefix (text, "libvirt:"))
        return qmp_address_parse (text, error);
    return guest_address (self->config, text + strlen ("libvirt:"), error);
}

/* One file for all of them would be the last one's alone. */
static void
open_record (Job *self)
{
    if (self->options->trace_file)
        g_message (
            "%s: the record goes to the folder of the records, where the service has one for "
            "each migration, not to %s",
            self->order->address, self->options->trace_file);
    if (!self->options->no_trace)
        self->trace = trace_new ();
}

static gboolean
take_order (Job *self, GError **error)
{
    g_autoptr (GError) why = NULL;

    self->global.socket = address_of (self, &why);
    if (!self->global.socket)
        return migrate_fail (error, EXIT_USAGE, "%s", why->message);
    if (!config_apply (self->config, self->options, error) ||
        !migration_check_usage (&self->global, self->options, error))
        return FALSE;
    if (self->order->kind == ORDER_START)
        self->options->uri = g_strdup (self->order->uri);
    return TRUE;
}

Job *
job_new (Order *order, Config *config, Traits *traits, Mode mode, const JobEvents *events,
         gpointer data, GError **error)
{
    Job *self = g_new0 (Job, 1);

    self->order = order;
    self->config = config;
    self->traits = traits;
    self->mode = mode;
    self->events = events;
    self->data = data;
    g_mutex_init (&self->migration.around.lock);
    global_options_init (&self->global);
    self->options = migrate_options_new ();
    if (take_order (self, error)) {
        init_migration (self);
        if (serve (self, error)) {
            board_listen (self->board, on_line, self);
            open_record (self);
            return self;
        }
    }
    job_free (self);
    return NULL;
}

void
job_free (Job *self)
{
    if (!self)
        return;
    control_server_free (self->control);
    if (self->migration.context) {
        migration_clear (&self->migration);
        board_free (self->board);
        g_main_context_unref (self->migration.context);
        g_object_unref (self->migration.leave);
    }
    trace_free (self->trace);
    migrate_options_free (self->options);
    global_options_clear (&self->global);
    config_free (self->config);
    traits_free (self->traits);
    claim_free (self->claim);
    order_free (self->order);
    g_free (self->id);
    g_free (self->vm_name);
    g_free (self->vm_uuid);
    g_free (self);
}

void
job_start (Job *self)
{
    self->thread = g_thread_new ("migration", run_thread, self);
}

void
job_leave (Job *self)
{
    if (!self->thread)
        return;
    migration_ask_to_leave (&self->migration);
    g_main_context_wakeup (self->migration.context);
}

void
job_deliver (Job *self)
{
    if (self->board)
        board_deliver (self->board);
}

void
job_ask (Job *self, Request *request)
{
    board_ask (self->board, request);
}

void
job_set_share (Job *self, const LinkShare *share)
{
    surroundings_set_share (&self->migration.around, share);
}

const Order *
job_order (const Job *self)
{
    return self->order;
}

const char *
job_id (const Job *self)
{
    return self->id;
}

const char *
job_vm_name (const Job *self)
{
    return self->vm_name;
}

const char *
job_vm_uuid (const Job *self)
{
    return self->vm_uuid;
}

const char *
job_role (const Job *self)
{
    if (self->order->kind != ORDER_STEER)
        return "started";
    return self->observes ? "observed" : "steered";
}

char *
job_trace_path (const Job *self)
{
    g_autofree char *folder = state_path ("traces");

    if (!self->id || self->options->no_trace)
        return g_strdup ("");
    return trace_folder_file (folder, self->id, self->migration.role);
}
