/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "agent/control-caller.h"

#include <unistd.h>

#include "agent/control-peer.h"
#include "agent/exit-code.h"

typedef enum { STREAM_NONE, STREAM_RECORD, STREAM_EVENTS } Stream;

typedef struct Waiting Waiting;

struct ControlCaller {
    Board *board; /* borrowed */
    guint monitor;
    ControlPeer *peer;
    ControlGone gone;
    gpointer data;
    Waiting *waiting; /* NULL: no question of this caller is with the board */
    Stream stream;
    char **names; /* of the events wanted; NULL: all */
};

/* A question with the board. It outlives a caller who has gone meanwhile. */
struct Waiting {
    ControlCaller *caller; /* NULL: has gone */
};

json_object *
control_error_answer (int exit_code, const char *text)
{
    return qmp_object ("error", json_object_new_string (text), "exit_code",
                       json_object_new_int (exit_code), NULL);
}

static void
answer_take (ControlCaller *self, json_object *answer)
{
    control_peer_answer (self->peer, answer);
    json_object_put (answer);
}

static void
on_answered (json_object *answer, gpointer data)
{
    Waiting *waiting = data;
    ControlCaller *self = waiting->caller;

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
ask_board (ControlCaller *self, RequestKind kind, json_object *arguments)
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
    board_ask (self->board, request);
}

static void
add_latest (Board *board, json_object *status, const char *type)
{
    json_object *line = board_latest (board, type);

    if (line)
        json_object_object_add (status, type, line);
}

static void
tell_status (ControlCaller *self, json_object *arguments)
{
    Board *board = self->board;
    json_object *status = qmp_object ("pid", json_object_new_int (getpid ()), "monitor",
                                      json_object_new_int ((int)self->monitor), NULL);

    add_latest (board, status, "header");
    add_latest (board, status, "sample");
    add_latest (board, status, "result");
    answer_take (self, qmp_object ("return", status, NULL));
}

/* TRUE when that was the last line. */
static gboolean
offer_latest (ControlCaller *self, const char *type)
{
    g_autoptr (json_object) line = board_latest (self->board, type);
    g_autofree char *text = line ? qmp_message_text (line) : NULL;

    if (text)
        control_peer_offer (self->peer, text);
    return text && g_str_equal (type, "result");
}

static void
begin_stream (ControlCaller *self, Stream stream)
{
    self->stream = stream;
    control_peer_stay (self->peer);
    answer_take (self, qmp_object ("return", json_object_new_object (), NULL));
}

static void
begin_watch (ControlCaller *self, json_object *arguments)
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
    gsize count = qmp_length (list);
    g_autoptr (GStrvBuilder) strings = g_strv_builder_new ();

    for (gsize i = 0; i < count; i++) {
        const char *text = json_object_get_string (json_object_array_get_idx (list, i));

        if (text)
            g_strv_builder_add (strings, text);
    }
    return count > 0 ? g_strv_builder_end (strings) : NULL;
}

static void
begin_events (ControlCaller *self, json_object *arguments)
{
    g_strfreev (self->names);
    self->names = string_list (qmp_peek (arguments, "names"));
    begin_stream (self, STREAM_EVENTS);
    if (offer_latest (self, "result"))
        control_peer_end (self->peer);
}

typedef struct {
    const char *command;
    void (*handle) (ControlCaller *self, json_object *arguments); /* NULL: the board answers */
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
serve (ControlCaller *self, const Service *service, json_object *arguments)
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
    ControlCaller *self = data;
    const char *command = qmp_peek_string (request, "command", "");
    json_object *arguments = qmp_peek (request, "arguments");
    g_autofree char *text = NULL;

    if (arguments && !json_object_is_type (arguments, json_type_object)) {
        answer_take (self, control_error_answer (EXIT_USAGE, "the arguments are no object"));
        return;
    }
    for (gsize i = 0; i < G_N_ELEMENTS (services); i++)
        if (g_str_equal (services[i].command, command)) {
            serve (self, &services[i], arguments);
            return;
        }
    text = g_strdup_printf ("qmpmig " QMPMIG_VERSION " knows no request '%s'", command);
    answer_take (self, control_error_answer (EXIT_USAGE, text));
}

static void
on_broken (ControlPeer *peer, const char *text, gpointer data)
{
    ControlCaller *self = data;
    g_autofree char *sentence = g_strdup_printf ("that is no request: %s", text);

    answer_take (self, control_error_answer (EXIT_USAGE, sentence));
    control_peer_end (peer);
}

static void
on_gone (ControlPeer *peer, gpointer data)
{
    ControlCaller *self = data;

    self->gone (self, self->data);
}

static const ControlPeerEvents peer_events = {
    .asked = on_asked,
    .broken = on_broken,
    .gone = on_gone,
};

ControlCaller *
control_caller_new (GMainContext *context, Board *board, guint monitor, int fd, ControlGone gone,
                    gpointer data)
{
    ControlCaller *self = g_new (ControlCaller, 1);

    *self = (ControlCaller){ .board = board, .monitor = monitor, .gone = gone, .data = data };
    self->peer = control_peer_new (context, fd, &peer_events, self);
    return self;
}

void
control_caller_free (ControlCaller *self)
{
    if (self->waiting)
        self->waiting->caller = NULL;
    control_peer_free (self->peer);
    g_strfreev (self->names);
    g_free (self);
}

static gboolean
event_is_wanted (const ControlCaller *self, json_object *line)
{
    const char *name = qmp_peek_string (line, "name", "");

    return !self->names || g_strv_contains ((const char *const *)self->names, name);
}

static gboolean
line_is_wanted (const ControlCaller *self, json_object *line, const char *type)
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

void
control_caller_see (ControlCaller *self, json_object *line, const char *text)
{
    const char *type = qmp_peek_string (line, "type", "");

    if (!line_is_wanted (self, line, type))
        return;
    control_peer_offer (self->peer, text);
    if (g_str_equal (type, "result"))
        control_peer_end (self->peer);
}

void
control_caller_drain (ControlCaller *self, gint64 deadline_us)
{
    control_peer_drain (self->peer, deadline_us);
}
