/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "agent/control-peer.h"

#include <errno.h>
#include <string.h>
#include <sys/socket.h>

#define MAX_BACKLOG_BYTES (1024 * 1024)

struct ControlPeer {
    ControlFd fd;
    GSource *source;
    gpointer watched; /* the tag of FD in SOURCE */
    const ControlPeerEvents *events;
    gpointer data;
    QmpReader *reader;
    GString *out;
    gsize written; /* of OUT */
    gboolean held;
    gboolean stays;   /* after the end of file */
    gboolean reading; /* neither end of file nor a broken request yet */
    gboolean ending;
    gboolean dead;
};

static gsize
backlog (ControlPeer *self)
{
    return self->out->len - self->written;
}

static void
die (ControlPeer *self)
{
    self->dead = TRUE;
    /* `gone` is said from the source only, so that nobody is freed under his own feet. */
    g_source_set_ready_time (self->source, 0);
}

static void
watch_for (ControlPeer *self)
{
    GIOCondition wanted = 0;

    if (self->reading && !self->held)
        wanted |= G_IO_IN;
    if (backlog (self) > 0)
        wanted |= G_IO_OUT;
    g_source_modify_unix_fd (self->source, self->watched, wanted);
}

static void
flush (ControlPeer *self)
{
    while (!self->dead && backlog (self) > 0) {
        ssize_t sent = send (self->fd, self->out->str + self->written, backlog (self),
                             MSG_NOSIGNAL | MSG_DONTWAIT);

        if (sent < 0 && errno == EINTR)
            continue;
        if (sent < 0 && errno != EAGAIN)
            die (self);
        if (sent < 0)
            break;
        self->written += (gsize)sent;
    }
    /* Moving only when half is done with keeps the cost of moving linear. */
    if (self->written > self->out->len / 2) {
        g_string_erase (self->out, 0, (gssize)self->written);
        self->written = 0;
    }
    if (self->ending && backlog (self) == 0)
        die (self);
    watch_for (self);
}

static void
receive (ControlPeer *self)
{
    char buffer[16 * 1024];
    ssize_t got = recv (self->fd, buffer, sizeof buffer, MSG_DONTWAIT);

    if (got > 0)
        qmp_reader_feed (self->reader, buffer, (gsize)got);
    else if (got == 0)
        self->reading = FALSE;
    else if (errno != EAGAIN && errno != EINTR)
        die (self);
}

static void
hand_over_requests (ControlPeer *self)
{
    while (!self->held && !self->dead && !self->ending) {
        g_autoptr (GError) error = NULL;
        g_autoptr (json_object) request = NULL;

        if (!qmp_reader_next (self->reader, &request, &error)) {
            self->reading = FALSE;
            self->events->broken (self, error->message, self->data);
            return;
        }
        if (!request)
            return;
        self->events->asked (self, request, self->data);
    }
}

static gboolean
dispatch (gpointer data)
{
    ControlPeer *self = data;
    GIOCondition seen = g_source_query_unix_fd (self->source, self->watched);

    if (seen & G_IO_ERR || (seen & G_IO_HUP && (self->held || !self->reading)))
        die (self);
    else if (seen & (G_IO_IN | G_IO_HUP))
        receive (self);
    hand_over_requests (self);
    if (!self->reading && !self->held && !self->stays)
        self->ending = TRUE;
    flush (self);
    if (self->dead)
        self->events->gone (self, self->data);
    return G_SOURCE_CONTINUE;
}

static gboolean
source_dispatch (GSource *source, GSourceFunc callback, gpointer data)
{
    g_source_set_ready_time (source, -1);
    return callback (data);
}

ControlPeer *
control_peer_new (GMainContext *context, int fd, const ControlPeerEvents *events, gpointer data)
{
    static const GSourceFuncs funcs = { .dispatch = source_dispatch };
    ControlPeer *self = g_new (ControlPeer, 1);

    *self = (ControlPeer){
        .fd = fd,
        .source = g_source_new ((GSourceFuncs *)&funcs, sizeof (GSource)),
        .events = events,
        .data = data,
        .reader = qmp_reader_new (CONTROL_MAX_REQUEST_BYTES, CONTROL_MAX_DEPTH),
        .out = g_string_new (NULL),
        .reading = TRUE,
    };
    g_source_set_static_name (self->source, "control peer");
    /* After the board's lines: who asks to watch gets none of them twice. */
    g_source_set_priority (self->source, G_PRIORITY_DEFAULT + 10);
    self->watched = g_source_add_unix_fd (self->source, fd, G_IO_IN);
    g_source_set_callback (self->source, dispatch, self, NULL);
    g_source_attach (self->source, context);
    return self;
}

void
control_peer_free (ControlPeer *self)
{
    if (!self)
        return;
    g_source_destroy (self->source);
    g_source_unref (self->source);
    control_fd_close (self->fd);
    qmp_reader_free (self->reader);
    g_string_free (self->out, TRUE);
    g_free (self);
}

void
control_peer_hold (ControlPeer *self)
{
    self->held = TRUE;
    watch_for (self);
}

void
control_peer_release (ControlPeer *self)
{
    self->held = FALSE;
    /* What was read meanwhile may hold the next request. */
    g_source_set_ready_time (self->source, 0);
    watch_for (self);
}

void
control_peer_answer (ControlPeer *self, json_object *answer)
{
    g_string_append (self->out,
                     json_object_to_json_string_ext (answer, JSON_C_TO_STRING_PLAIN |
                                                                 JSON_C_TO_STRING_NOSLASHESCAPE));
    g_string_append_c (self->out, '\n');
    flush (self);
}

void
control_peer_stay (ControlPeer *self)
{
    self->stays = TRUE;
}

void
control_peer_offer (ControlPeer *self, const char *line)
{
    if (self->dead || self->ending)
        return;
    g_string_append (self->out, line);
    flush (self);
    if (backlog (self) > MAX_BACKLOG_BYTES)
        die (self);
}

void
control_peer_end (ControlPeer *self)
{
    self->ending = TRUE;
    flush (self);
}

void
control_peer_drain (ControlPeer *self, gint64 deadline_us)
{
    for (;;) {
        GPollFD polled = { .fd = self->fd, .events = G_IO_OUT };
        gint64 left_us = deadline_us - g_get_monotonic_time ();

        flush (self);
        if (self->dead || backlog (self) == 0 || left_us <= 0)
            return;
        g_poll (&polled, 1, (int)(left_us / 1000 + 1));
    }
}
