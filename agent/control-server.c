/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "agent/control-caller.h"
#include "agent/control-door.h"
#include "agent/exit-code.h"

#include <errno.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#define MAX_CALLERS 64
/* What watchers get to take the last lines off our hands when we leave. */
#define FAREWELL_US (200 * 1000)

struct ControlServer {
    Board *board; /* borrowed */
    GMainContext *context;
    guint listening; /* to the board */
    GPtrArray *doors;
    GPtrArray *callers;
};

static const char *
why_not (ControlServer *self, int fd)
{
    uid_t uid;
    pid_t pid;

    if (!control_peer (fd, &uid, &pid) || !control_uid_is_trusted (geteuid (), uid))
        return "this migration is steered by another user";
    if (self->callers->len >= MAX_CALLERS)
        return "too many others ask this qmpmig already";
    return NULL;
}

static void
turn_away (int fd, const char *reason)
{
    g_autoptr (json_object) answer = control_error_answer (EXIT_UNREACHABLE, reason);
    g_autofree char *text = qmp_message_text (answer);

    /* An empty socket buffer takes this; a caller that does not get it finds the connection shut.
     */
    if (send (fd, text, strlen (text), MSG_NOSIGNAL | MSG_DONTWAIT) < 0)
        g_debug ("control: %s", g_strerror (errno));
}

static void
on_gone (ControlCaller *caller, gpointer data)
{
    ControlServer *self = data;

    g_ptr_array_remove (self->callers, caller);
}

static void
on_knock (int fd, guint monitor, gpointer data)
{
    ControlServer *self = data;
    const char *reason = why_not (self, fd);

    if (!reason) {
        g_ptr_array_add (self->callers, control_caller_new (self->context, self->board, monitor, fd,
                                                            on_gone, self));
        return;
    }
    turn_away (fd, reason);
    control_fd_close (fd);
}

static void
on_line (json_object *line, gpointer data)
{
    ControlServer *self = data;

    /* Nobody is freed in here: a caller says `gone` from its own source only. */
    for (guint i = 0; i < self->callers->len; i++)
        control_caller_see (g_ptr_array_index (self->callers, i), line, board_text (self->board));
}

static gboolean
has_door (ControlServer *self, const char *path)
{
    for (guint i = 0; i < self->doors->len; i++)
        if (g_str_equal (control_door_path (g_ptr_array_index (self->doors, i)), path))
            return TRUE;
    return FALSE;
}

static gboolean
open_door (ControlServer *self, const QmpAddress *const *monitors, guint index, GError **error)
{
    g_autofree char *path = control_path (monitors[index], error);
    ControlDoor *door;

    if (!path || has_door (self, path))
        return path != NULL;
    door = control_door_open (self->context, path, index, on_knock, self, error);
    if (door)
        g_ptr_array_add (self->doors, door);
    return door != NULL;
}

ControlServer *
control_server_new (Board *board, const QmpAddress *const *monitors, GError **error)
{
    ControlServer *self = g_new0 (ControlServer, 1);
    gboolean ok = control_make_dir (error);

    self->board = board;
    self->context = g_main_context_ref_thread_default ();
    self->doors = g_ptr_array_new_with_free_func ((GDestroyNotify)control_door_close);
    self->callers = g_ptr_array_new_with_free_func ((GDestroyNotify)control_caller_free);
    self->listening = board_listen (board, on_line, self);
    for (guint i = 0; ok && monitors[i]; i++)
        ok = open_door (self, monitors, i, error);
    if (!ok)
        g_clear_pointer (&self, control_server_free);
    return self;
}

void
control_server_free (ControlServer *self)
{
    gint64 deadline_us = g_get_monotonic_time () + FAREWELL_US;

    if (!self)
        return;
    board_unlisten (self->board, self->listening);
    for (guint i = 0; i < self->callers->len; i++)
        control_caller_drain (g_ptr_array_index (self->callers, i), deadline_us);
    g_ptr_array_unref (self->callers);
    g_ptr_array_unref (self->doors);
    g_main_context_unref (self->context);
    g_free (self);
}
