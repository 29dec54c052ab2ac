/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "agent/control-peer.h"
#include "agent/exit-code.h"

#include <errno.h>
#include <glib-unix.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#define MAX_CALLERS 64
/* What watchers get to take the last lines off our hands when we leave. */
#define FAREWELL_US (200 * 1000)

typedef struct {
    ControlServer *server; /* borrowed */
    guint monitor;         /* index in MONITORS */
    char *path;
    ControlFd fd;         /* -1: not open */
    struct stat identity; /* of the socket that we made there */
    GSource *source;
} Door;

typedef enum { STREAM_NONE, STREAM_RECORD, STREAM_EVENTS } Stream;

typedef struct Waiting Waiting;

typedef struct {
    ControlServer *server; /* borrowed */
    guint monitor;
    ControlPeer *peer;
    Waiting *waiting; /* NULL: no question of this caller is with the board */
    Stream stream;
    char **names; /* of the events wanted; NULL: all */
} Caller;

/* A question with the board. It outlives a caller who has gone meanwhile. */
struct Waiting {
    Caller *caller; /* NULL: has gone */
};

struct ControlServer {
    Board *board; /* borrowed */
    GMainContext *context;
    guint listening; /* to the board */
    GPtrArray *doors;
    GPtrArray *callers;
};

static void
door_free (Door *self)
{
    struct stat now;

    if (self->source) {
        g_source_destroy (self->source);
        g_source_unref (self->source);
    }
    /* Only what is still ours: somebody may have cleaned up, and another taken the place. */
    if (self->identity.st_ino != 0 && lstat (self->path, &now) == 0 &&
        now.st_ino == self->identity.st_ino && now.st_dev == self->identity.st_dev)
        unlink (self->path);
    if (self->fd >= 0)
        control_fd_close (self->fd);
    g_free (self->path);
    g_free (self);
}

static void
caller_free (Caller *self)
{
    if (self->waiting)
        self->waiting->caller = NULL;
    control_peer_free (self->peer);
    g_strfreev (self->names);
    g_free (self);
}

static json_object *
error_answer (int exit_code, const char *text)
{
    return qmp_object ("error", json_object_new_string (text), "exit_code",
                       json_object_new_int (exit_code), NULL);
}

static void
answer_take (Caller *self, json_object *answer)
{
    control_peer_answer (self->peer, answer);
    json_object_put (answer);
}

static char *
line_text (json_object *line)
{
    return g_strconcat (json_object_to_json_string_ext (line, JSON_C_TO_STRING_PLAIN |
                                                                  JSON_C_TO_STRING_NOSLASHESCAPE),
                        "\n", NULL);
}

static void
on_answered (json_object *answer, gpointer data)
{
    Waiting *waiting = data;
    Caller *self = waiting->caller;

    g_free (waiting);
    if (!self)
        return;
    self->waiting = NULL;
    if (qmp_peek (answer, "error"))
        control_peer_answer (self->peer, answer);
    else
        answer_take (self, qmp_object ("return", json_object_get (answer), NULL));
    control_peer_release (self->peer);
}

static void
ask_board (Caller *self, RequestKind kind, json_object *arguments)
{
    Request *request = g_new (Request, 1);

    self->waiting = g_new (Waiting, 1);
    *self->waiting = (Waiting){ .caller = self };
    *request = (Request){
        .kind = kind,
        .monitor = self->monitor,
        .arguments = json_object_get (arguments),
        .answered = on_answered,
        .data = self->waiting,
    };
    control_peer_hold (self->peer);
    board_ask (self->server->board, request);
}

static void
add_latest (Board *board, json_object *status, const char *type)
{
    json_object *line = board_latest (board, type);

    if (line)
        json_object_object_add (status, type, line);
}

static void
tell_status (Caller *self, json_object *arguments)
{
    Board *board = self->server->board;
    json_object *status = qmp_object ("pid", json_object_new_int (getpid ()), "monitor",
                                      json_object_new_int ((int)self->monitor), NULL);

    add_latest (board, status, "header");
    add_latest (board, status, "sample");
    add_latest (board, status, "result");
    answer_take (self, qmp_object ("return", status, NULL));
}

/* TRUE when that was the last line. */
static gboolean
offer_latest (Caller *self, const char *type)
{
    g_autoptr (json_object) line = board_latest (self->server->board, type);
    g_autofree char *text = line ? line_text (line) : NULL;

    if (text)
        control_peer_offer (self->peer, text);
    return text && g_str_equal (type, "result");
}

static void
begin_stream (Caller *self, Stream stream)
{
    self->stream = stream;
    control_peer_stay (self->peer);
    answer_take (self, qmp_object ("return", json_object_new_object (), NULL));
}

static void
begin_watch (Caller *self, json_object *arguments)
{
    begin_stream (self, STREAM_RECORD);
    offer_latest (self, "header");
    offer_latest (self, "plan");
    offer_latest (self, "sample");
    if (offer_latest (self, "result"))
        control_peer_end (self->peer);
}

/* NULL for an empty list. */
static char **
string_list (json_object *list)
{
    gsize count = json_object_is_type (list, json_type_array) ? json_object_array_length (list) : 0;
    g_autoptr (GStrvBuilder) strings = g_strv_builder_new ();

    for (gsize i = 0; i < count; i++) {
        const char *text = json_object_get_string (json_object_array_get_idx (list, i));

        if (text)
            g_strv_builder_add (strings, text);
    }
    return count > 0 ? g_strv_builder_end (strings) : NULL;
}

static void
begin_events (Caller *self, json_object *arguments)
{
    g_strfreev (self->names);
    self->names = string_list (qmp_peek (arguments, "names"));
    begin_stream (self, STREAM_EVENTS);
    if (offer_latest (self, "result"))
        control_peer_end (self->peer);
}

typedef struct {
    const char *command;
    void (*handle) (Caller *self, json_object *arguments); /* NULL: the board answers */
    RequestKind kind;
} Service;

static const Service services[] = {
    { "status", tell_status, 0 },           { "watch", begin_watch, 0 },
    { "events", begin_events, 0 },          { "cancel", NULL, REQUEST_CANCEL },
    { "postcopy", NULL, REQUEST_POSTCOPY }, { "postcopy-pause", NULL, REQUEST_POSTCOPY_PAUSE },
    { "finish", NULL, REQUEST_FINISH },     { "set", NULL, REQUEST_SET },
    { "get", NULL, REQUEST_GET },           { "qmp", NULL, REQUEST_QMP },
};

static void
serve (Caller *self, const Service *service, json_object *arguments)
{
    g_autoptr (json_object) none = arguments ? NULL : json_object_new_object ();

    if (service->handle)
        service->handle (self, arguments ? arguments : none);
    else
        ask_board (self, service->kind, arguments ? arguments : none);
}

static void
on_asked (ControlPeer *peer, json_object *request, gpointer data)
{
    Caller *self = data;
    const char *command = qmp_peek_string (request, "command", "");
    json_object *arguments = qmp_peek (request, "arguments");
    g_autofree char *text = NULL;

    if (arguments && !json_object_is_type (arguments, json_type_object)) {
        answer_take (self, error_answer (EXIT_USAGE, "the arguments are no object"));
        return;
    }
    for (gsize i = 0; i < G_N_ELEMENTS (services); i++)
        if (g_str_equal (services[i].command, command)) {
            serve (self, &services[i], arguments);
            return;
        }
    text = g_strdup_printf ("qmpmig " QMPMIG_VERSION " knows no request '%s'", command);
    answer_take (self, error_answer (EXIT_USAGE, text));
}

static void
on_broken (ControlPeer *peer, const char *text, gpointer data)
{
    Caller *self = data;
    g_autofree char *sentence = g_strdup_printf ("that is no request: %s", text);

    answer_take (self, error_answer (EXIT_USAGE, sentence));
    control_peer_end (peer);
}

static void
on_gone (ControlPeer *peer, gpointer data)
{
    Caller *self = data;

    g_ptr_array_remove (self->server->callers, self);
}

static const ControlPeerEvents peer_events = {
    .asked = on_asked,
    .broken = on_broken,
    .gone = on_gone,
};

static Caller *
caller_new (const Door *door, int fd)
{
    ControlServer *server = door->server;
    Caller *self = g_new0 (Caller, 1);

    self->server = server;
    self->monitor = door->monitor;
    self->peer = control_peer_new (server->context, fd, &peer_events, self);
    g_ptr_array_add (server->callers, self);
    return self;
}

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
    g_autoptr (json_object) answer = error_answer (EXIT_UNREACHABLE, reason);
    g_autofree char *text = line_text (answer);

    /* An empty socket buffer takes this; a caller that does not get it finds the connection shut.
     */
    if (send (fd, text, strlen (text), MSG_NOSIGNAL | MSG_DONTWAIT) < 0)
        g_debug ("control: %s", g_strerror (errno));
}

static gboolean
on_knock (int listening, GIOCondition condition, gpointer data)
{
    Door *self = data;
    g_auto (ControlFd) fd = accept4 (listening, NULL, NULL, SOCK_CLOEXEC | SOCK_NONBLOCK);
    const char *reason;

    if (fd < 0) {
        /* The caller stays in the queue; without a pause this would be a busy loop. */
        if (errno == EMFILE || errno == ENFILE)
            g_usleep (10 * 1000);
        return G_SOURCE_CONTINUE;
    }
    reason = why_not (self->server, fd);
    if (reason)
        turn_away (fd, reason);
    else
        caller_new (self, g_steal_fd (&fd));
    return G_SOURCE_CONTINUE;
}

static gboolean
event_is_wanted (const Caller *self, json_object *line)
{
    const char *name = qmp_peek_string (line, "name", "");

    return !self->names || g_strv_contains ((const char *const *)self->names, name);
}

static gboolean
line_is_wanted (const Caller *self, json_object *line, const char *type)
{
    switch (self->stream) {
    case STREAM_NONE:
        return FALSE;
    case STREAM_RECORD:
        return TRUE;
    case STREAM_EVENTS:
        return g_str_equal (type, "result") ||
               (g_str_equal (type, "event") && event_is_wanted (self, line));
    }
    return FALSE;
}

static void
on_line (json_object *line, gpointer data)
{
    ControlServer *self = data;
    const char *type = qmp_peek_string (line, "type", "");
    g_autofree char *text = line_text (line);

    /* Nobody is freed in here: a peer says `gone` from its own source only. */
    for (guint i = 0; i < self->callers->len; i++) {
        Caller *caller = g_ptr_array_index (self->callers, i);

        if (!line_is_wanted (caller, line, type))
            continue;
        control_peer_offer (caller->peer, text);
        if (g_str_equal (type, "result"))
            control_peer_end (caller->peer);
    }
}

static gboolean
has_door (ControlServer *self, const char *path)
{
    for (guint i = 0; i < self->doors->len; i++)
        if (g_str_equal (((Door *)g_ptr_array_index (self->doors, i))->path, path))
            return TRUE;
    return FALSE;
}

static gboolean
open_door (ControlServer *self, const QmpAddress *const *monitors, guint index, GError **error)
{
    g_autofree char *path = control_path (monitors[index], error);
    Door *door;

    if (!path)
        return FALSE;
    if (has_door (self, path))
        return TRUE;
    door = g_new0 (Door, 1);
    door->server = self;
    door->monitor = index;
    door->path = g_steal_pointer (&path);
    g_ptr_array_add (self->doors, door);
    door->fd = control_listen (door->path, &door->identity, error);
    if (door->fd < 0)
        return FALSE;
    door->source = g_unix_fd_source_new (door->fd, G_IO_IN);
    g_source_set_callback (door->source, G_SOURCE_FUNC (on_knock), door, NULL);
    g_source_attach (door->source, self->context);
    return TRUE;
}

ControlServer *
control_server_new (Board *board, const QmpAddress *const *monitors, GError **error)
{
    ControlServer *self = g_new0 (ControlServer, 1);
    gboolean ok = control_make_dir (error);

    self->board = board;
    self->context = g_main_context_ref_thread_default ();
    self->doors = g_ptr_array_new_with_free_func ((GDestroyNotify)door_free);
    self->callers = g_ptr_array_new_with_free_func ((GDestroyNotify)caller_free);
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
        control_peer_drain (((Caller *)g_ptr_array_index (self->callers, i))->peer, deadline_us);
    g_ptr_array_unref (self->callers);
    g_ptr_array_unref (self->doors);
    g_main_context_unref (self->context);
    g_free (self);
}
