/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "agent/commands/mover.h"

#include <glib-unix.h>
#include <signal.h>

#include "agent/commands/detach.h"
#include "agent/commands/record.h"
#include "agent/config.h"
#include "agent/control.h"
#include "agent/display/display.h"
#include "agent/migration/error.h"
#include "agent/steering/trace.h"
#include "qmp/value.h"

typedef struct {
    const CommandLine *line;
    Migration migration;
    MoverWork work;
    GMainLoop *loop;
    Board *board;
    Display *display;
    Trace *trace; /* NULL: none is wanted */
    Detach *detach;
    ExitCode code;
    guint interrupts;
} Mover;

/* -- Lines: to the display, to stdout with --json, into the trace -- */

static void
show (Mover *self, json_object *line, const char *text)
{
    if (command_global (self->line)->json)
        record_print_text (text);
    display_line (self->display, line);
    detach_line (self->detach, line);
}

/* What is wrong with the trace, at the time of LINE. */
static void
show_trouble (Mover *self, json_object *line, const char *text)
{
    g_autoptr (json_object) notice = qmp_object (
        "type", json_object_new_string ("notice"), "level", json_object_new_string ("warning"),
        "code", json_object_new_string ("trace"), "text", json_object_new_string (text), "t_us",
        json_object_get (qmp_peek (line, "t_us")), NULL);
    json_object *id = qmp_peek (line, "id");
    g_autofree char *whole = NULL;

    if (id)
        json_object_object_add (notice, "id", json_object_get (id));
    whole = qmp_message_text (notice);
    show (self, notice, whole);
}

/* The header is the first line, and the result the last one: what there is to say of the trace
 * stands between them. */
static void
on_line (json_object *line, gpointer data)
{
    Mover *self = data;
    gboolean is_header = g_str_equal (qmp_peek_string (line, "type", ""), "header");
    const char *text = board_text (self->board);
    g_autofree char *trouble = NULL;

    if (is_header)
        show (self, line, text);
    trouble = self->trace ? trace_line (self->trace, line, text) : NULL;
    if (trouble)
        show_trouble (self, line, trouble);
    if (!is_header)
        show (self, line, text);
}

/* -- Signals -- */

static void
say (Mover *self, const char *text)
{
    display_break (self->display);
    g_printerr ("%s\n", text);
}

static void
on_cancel_answered (json_object *answer, gpointer data)
{
    say (data, qmp_peek_string (answer, "error", qmp_peek_string (answer, "text", "")));
}

static void
leave (Mover *self)
{
    migration_ask_to_leave (&self->migration);
    g_main_context_wakeup (self->migration.context);
}

/* First: ask for the guest to stay. Second: leave, and the migration goes on by itself. A lone
 * destination has nothing to cancel, and what somebody else started is not ours to. */
static gboolean
on_interrupt (gpointer data)
{
    Mover *self = data;
    Request *request;

    gboolean may_cancel = !g_str_equal (self->migration.role, "incoming") &&
                          !g_str_equal (self->migration.role, "steer");

    if (self->interrupts++ || !may_cancel) {
        say (self, "leaving; the last line says what goes on without us");
        leave (self);
        return G_SOURCE_CONTINUE;
    }
    say (self,
         "asked to cancel: the guest stays on the source if it has not left yet (Ctrl-C again "
         "leaves it to go on by itself)");
    request = g_new0 (Request, 1);
    request->kind = REQUEST_CANCEL;
    request->arguments = json_object_new_object ();
    request->answered = on_cancel_answered;
    request->data = self;
    board_ask (self->board, request);
    return G_SOURCE_CONTINUE;
}

static gboolean
on_terminate (gpointer data)
{
    leave (data);
    return G_SOURCE_CONTINUE;
}

/* -- The migration's thread -- */

static gboolean
stop_loop (gpointer data)
{
    g_main_loop_quit (data);
    return G_SOURCE_REMOVE;
}

static gpointer
run_thread (gpointer data)
{
    Mover *self = data;

    /* Owned for good: GLib wakes a context that it thinks another thread polls at each change. */
    g_main_context_acquire (self->migration.context);
    self->code = self->work (&self->migration, self->line);
    g_main_context_release (self->migration.context);
    board_close (self->board);
    /* Not g_main_context_invoke(): before the loop runs, that would stop it here, in vain. */
    g_idle_add (stop_loop, self->loop);
    return NULL;
}

static gboolean
configure (Migration *m, const char *name, const char *uuid, GError **error)
{
    const CommandLine *line = m->configure_data;

    return !command_config (line) ||
           config_apply_vm (command_config (line), m->options, name, uuid, error);
}

static void
init_migration (Mover *self, const char *role)
{
    Migration *m = &self->migration;

    m->global = command_global (self->line);
    m->options = command_migrate_options (self->line);
    m->role = role;
    m->context = g_main_context_new ();
    m->leave = g_cancellable_new ();
    m->configure = configure;
    m->configure_data = (gpointer)self->line;
    m->result.guest_runs_on = "unknown";
    m->qemu_downtime_us = SAMPLE_UNKNOWN;
    tracker_init (&m->tracker);
    m->board = self->board = board_new (g_main_context_default (), m->context);
}

/* Without a monitor there is no control socket, and the migration says why there is no monitor. */
static gboolean
serve (Mover *self, ControlServer **ret_server, GError **error)
{
    const QmpAddress *monitors[] = { command_global (self->line)->socket,
                                     self->migration.options->dest_socket, NULL };

    for (guint i = 0; monitors[i]; i++)
        if (monitors[i]->kind == QMP_ADDRESS_UNIX &&
            !g_file_test (monitors[i]->path, G_FILE_TEST_EXISTS))
            return TRUE;
    if (self->migration.options->dry_run)
        return TRUE;
    *ret_server = control_server_new (self->board, monitors, error);
    return *ret_server != NULL;
}

/* A dry run leaves nothing behind that was not asked for. */
static gboolean
open_trace (Mover *self, GError **error)
{
    const MigrateOptions *options = self->migration.options;
    g_autoptr (GError) why = NULL;

    if (options->no_trace || (options->dry_run && !options->trace_file))
        return TRUE;
    self->trace = options->trace_file ? trace_new_file (options->trace_file, &why) : trace_new ();
    return self->trace || migrate_fail (error, EXIT_USAGE, "--trace %s", why->message);
}

static void
run_loop (Mover *self)
{
    guint interrupt = g_unix_signal_add (SIGINT, on_interrupt, self);
    guint terminate = g_unix_signal_add (SIGTERM, on_terminate, self);
    guint hangup = g_unix_signal_add (SIGHUP, on_terminate, self);
    GThread *thread = g_thread_new ("migration", run_thread, self);

    g_main_loop_run (self->loop);
    g_thread_join (thread);
    g_source_remove (interrupt);
    g_source_remove (terminate);
    g_source_remove (hangup);
}

static void
mover_clear (Mover *self)
{
    migration_clear (&self->migration);
    board_free (self->board);
    display_free (self->display);
    trace_free (self->trace);
    g_main_loop_unref (self->loop);
    g_main_context_unref (self->migration.context);
    g_object_unref (self->migration.leave);
    detach_free (self->detach);
}

/* What only libvirt itself can do to its guests. */
static gboolean
check_role (const GlobalOptions *global, const char *role, GError **error)
{
    if (!qmp_address_is_libvirt (global->socket))
        return TRUE;
    if (g_str_equal (role, "incoming"))
        return migrate_fail (error, EXIT_USAGE,
                             "incoming: libvirt itself starts the receiving end of its guests: "
                             "`qmpmig --libvirt DOMAIN migrate URI` at the source is all");
    if (g_str_equal (role, "recover"))
        return migrate_fail (
            error, EXIT_USAGE,
            "recover: libvirt recovers its guests itself: `virsh migrate` with the "
            "same options as before and --postcopy-resume");
    return TRUE;
}

ExitCode
mover_run (const CommandLine *line, const char *role, MoverWork work)
{
    Mover self = { .line = line, .work = work };
    ControlServer *server = NULL;
    DisplayOptions look;
    GError *error = NULL;
    ExitCode code;

    if (!command_global (line)->socket) {
        migrate_fail (&error, EXIT_USAGE, "which QEMU? Give --socket PATH or set QMPMIG_SOCKET");
        return command_fail (line, error);
    }
    if (!check_role (command_global (line), role, &error) ||
        !migration_check_usage (command_global (line), command_migrate_options (line), &error))
        return command_fail (line, error);
    if (command_migrate_options (line)->detach && detach_fork (&self.detach, &code))
        return code;
    self.loop = g_main_loop_new (NULL, FALSE);
    init_migration (&self, role);
    display_options_init (&look, command_global (line));
    self.display = display_new (&look);
    if (!serve (&self, &server, &error) || !open_trace (&self, &error)) {
        self.code = command_fail (line, error);
    } else {
        board_listen (self.board, on_line, &self);
        run_loop (&self);
    }
    control_server_free (server);
    code = self.code;
    mover_clear (&self);
    return code;
}
