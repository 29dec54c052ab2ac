/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "qmp/wire.h"

#include "qmp/error.h"

#include <gio/gfiledescriptorbased.h>
#include <glib-unix.h>
#include <pthread.h>
#include <signal.h>
#include <string.h>

#define READ_BYTES (64 * 1024)
/* One from which on a list is kept as text. Of what we ask, only the schema comes near. */
#define LARGE_LIST_BYTES (64 * 1024)

typedef struct {
    guint64 id;
    char *text;
    gsize length;
    gsize written;
    gboolean urgent;
    GSocketControlMessage *control;
} Outgoing;

struct QmpWire {
    GMainContext *context;
    GIOStream *stream;
    GPollableInputStream *input;
    GPollableOutputStream *output;
    GSource *input_source;
    GSource *output_source; /* only while something waits to be written */
    QmpReader *reader;
    GQueue outgoing; /* of Outgoing, the head may be half written */
    gboolean stopped;
    const QmpWireHandler *handler;
    gpointer data;
};

static void
outgoing_free (gpointer data)
{
    Outgoing *self = data;

    g_free (self->text);
    g_clear_object (&self->control);
    g_free (self);
}

G_DEFINE_AUTOPTR_CLEANUP_FUNC (Outgoing, outgoing_free)

static void
drop_source (GSource **source)
{
    if (*source)
        g_source_destroy (*source);
    g_clear_pointer (source, g_source_unref);
}

void
qmp_wire_stop (QmpWire *self)
{
    self->stopped = TRUE;
    drop_source (&self->input_source);
    drop_source (&self->output_source);
    g_queue_clear_full (&self->outgoing, outgoing_free);
}

static void
end (QmpWire *self, const GError *reason)
{
    qmp_wire_stop (self);
    self->handler->ended (reason, self->data);
}

static void
end_closed (QmpWire *self, const char *why)
{
    g_autoptr (GError) reason = g_error_new_literal (QMP_ERROR, QMP_ERROR_CLOSED, why);

    end (self, reason);
}

/* TRUE while the wire can go on. */
static gboolean
deliver (QmpWire *self)
{
    while (!self->stopped) {
        g_autoptr (json_object) message = NULL;
        g_autoptr (GError) error = NULL;

        if (!qmp_reader_next (self->reader, &message, &error))
            end (self, error);
        else if (!message)
            return TRUE;
        else
            self->handler->received (message, self->data);
    }
    return FALSE;
}

/* TRUE if something was read and more may be there. */
static gboolean
read_once (QmpWire *self)
{
    g_autoptr (GError) error = NULL;
    char bytes[READ_BYTES];
    gssize length =
        g_pollable_input_stream_read_nonblocking (self->input, bytes, sizeof bytes, NULL, &error);

    if (length > 0) {
        qmp_reader_feed (self->reader, bytes, (gsize)length);
        return deliver (self);
    }
    if (length == 0 || g_error_matches (error, G_IO_ERROR, G_IO_ERROR_CONNECTION_CLOSED))
        end_closed (self, "");
    else if (!g_error_matches (error, G_IO_ERROR, G_IO_ERROR_WOULD_BLOCK))
        end_closed (self, error->message);
    return FALSE;
}

/* One read a turn: a peer that never stops sending must not keep a wait from its deadline. */
static gboolean
on_readable (int fd, GIOCondition condition, gpointer data)
{
    read_once (data);
    return G_SOURCE_CONTINUE;
}

/* What the peer said before it closed is still there to be read (an event says why it left), so
 * the end is found by reading. The bound is for a peer that closes one direction only. */
static void
end_after_reading (QmpWire *self, const GError *error)
{
    for (guint turn = 0; turn < 256 && read_once (self); turn++)
        ;
    if (!self->stopped)
        end_closed (self, error->message);
}

static gssize
write_with_control (QmpWire *self, Outgoing *message, GError **error)
{
    GOutputVector vector = { .buffer = message->text, .size = message->length };

    return g_socket_send_message (qmp_wire_socket (self), NULL, &vector, 1, &message->control, 1,
                                  G_SOCKET_MSG_NONE, NULL, error);
}

static gssize
write_plainly (QmpWire *self, Outgoing *message, GError **error)
{
    return g_pollable_output_stream_write_nonblocking (
        self->output, message->text + message->written, message->length - message->written, NULL,
        error);
}

/* A pipe has no MSG_NOSIGNAL, and what SIGPIPE does is the program's business, not ours. */
static gssize
write_without_signal (QmpWire *self, Outgoing *message, GError **error)
{
    struct timespec at_once = { 0 };
    sigset_t pipe_signal, before, pending;
    gssize length;

    sigemptyset (&pipe_signal);
    sigaddset (&pipe_signal, SIGPIPE);
    sigpending (&pending);
    pthread_sigmask (SIG_BLOCK, &pipe_signal, &before);
    length = write_plainly (self, message, error);
    if (length < 0 && !sigismember (&pending, SIGPIPE))
        sigtimedwait (&pipe_signal, NULL, &at_once);
    pthread_sigmask (SIG_SETMASK, &before, NULL);
    return length;
}

static gssize
write_some (QmpWire *self, Outgoing *message, GError **error)
{
    if (message->control && message->written == 0)
        return write_with_control (self, message, error);
    if (qmp_wire_socket (self))
        return write_plainly (self, message, error);
    return write_without_signal (self, message, error);
}

static void
sent (QmpWire *self)
{
    g_autoptr (Outgoing) message = g_queue_pop_head (&self->outgoing);

    self->handler->sent (message->id, message->text, self->data);
}

/* FALSE when the peer takes no more at the moment, or none at all. */
static gboolean
flush_once (QmpWire *self)
{
    g_autoptr (GError) error = NULL;
    Outgoing *message = g_queue_peek_head (&self->outgoing);
    gssize length = write_some (self, message, &error);

    if (length < 0) {
        if (!g_error_matches (error, G_IO_ERROR, G_IO_ERROR_WOULD_BLOCK))
            end_after_reading (self, error);
        return FALSE;
    }
    message->written += (gsize)length;
    if (message->written == message->length)
        sent (self);
    return length > 0;
}

static gboolean on_writable (int fd, GIOCondition condition, gpointer data);

/* Not the stream's own source: GLib would take that out of the context and put it back around each
 * call, and wake the context's poll each time. */
static GSource *
watch (QmpWire *self, gpointer stream, GIOCondition condition, GUnixFDSourceFunc ready)
{
    GSocket *socket = qmp_wire_socket (self);
    int fd = socket ? g_socket_get_fd (socket)
                    : g_file_descriptor_based_get_fd (G_FILE_DESCRIPTOR_BASED (stream));
    GSource *source = g_unix_fd_source_new (fd, condition);

    g_source_set_can_recurse (source, TRUE);
    g_source_set_callback (source, G_SOURCE_FUNC (ready), self, NULL);
    g_source_attach (source, self->context);
    return source;
}

static void
flush (QmpWire *self)
{
    while (!g_queue_is_empty (&self->outgoing) && flush_once (self))
        ;
    if (g_queue_is_empty (&self->outgoing)) {
        drop_source (&self->output_source);
    } else if (!self->output_source) {
        self->output_source = watch (self, self->output, G_IO_OUT, on_writable);
    }
}

static gboolean
on_writable (int fd, GIOCondition condition, gpointer data)
{
    flush (data);
    return G_SOURCE_CONTINUE;
}

/* Behind what is half written and behind other urgent ones. */
static void
push_urgent (QmpWire *self, Outgoing *message)
{
    GList *before = self->outgoing.head;

    while (before) {
        const Outgoing *other = before->data;

        if (other->written == 0 && !other->urgent)
            break;
        before = before->next;
    }
    g_queue_insert_before (&self->outgoing, before, message);
}

void
qmp_wire_send (QmpWire *self, guint64 id, char *text, gboolean urgent,
               GSocketControlMessage *control)
{
    g_autoptr (Outgoing) message = g_new0 (Outgoing, 1);

    message->id = id;
    message->text = text;
    message->length = strlen (text);
    message->urgent = urgent;
    message->control = control;
    if (self->stopped)
        return;
    if (urgent)
        push_urgent (self, g_steal_pointer (&message));
    else
        g_queue_push_tail (&self->outgoing, g_steal_pointer (&message));
    flush (self);
}

gboolean
qmp_wire_withdraw (QmpWire *self, guint64 id)
{
    for (GList *link = self->outgoing.head; link; link = link->next) {
        Outgoing *message = link->data;

        if (message->id != id)
            continue;
        if (message->written > 0)
            return FALSE;
        outgoing_free (message);
        g_queue_delete_link (&self->outgoing, link);
        return TRUE;
    }
    return FALSE;
}

QmpList *
qmp_wire_take_list (QmpWire *self)
{
    return qmp_reader_take_list (self->reader);
}

GSocket *
qmp_wire_socket (QmpWire *self)
{
    if (!G_IS_SOCKET_CONNECTION (self->stream))
        return NULL;
    return g_socket_connection_get_socket (G_SOCKET_CONNECTION (self->stream));
}

/* A pipe that is writable takes some bytes, not all, so being asked first is not enough. */
static void
set_nonblocking (gpointer stream)
{
    if (G_IS_FILE_DESCRIPTOR_BASED (stream))
        g_unix_set_fd_nonblocking (g_file_descriptor_based_get_fd (stream), TRUE, NULL);
}

QmpWire *
qmp_wire_new (GMainContext *context, GIOStream *stream, const QmpWireHandler *handler,
              gpointer data)
{
    QmpWire *self = g_new0 (QmpWire, 1);

    self->context = g_main_context_ref (context);
    self->stream = g_object_ref (stream);
    self->input = G_POLLABLE_INPUT_STREAM (g_io_stream_get_input_stream (stream));
    self->output = G_POLLABLE_OUTPUT_STREAM (g_io_stream_get_output_stream (stream));
    self->reader = qmp_reader_new (QMP_MESSAGE_MAX_BYTES, QMP_MESSAGE_MAX_DEPTH);
    qmp_reader_leave_out_lists (self->reader, LARGE_LIST_BYTES);
    self->handler = handler;
    self->data = data;
    set_nonblocking (self->input);
    set_nonblocking (self->output);
    if (qmp_wire_socket (self))
        g_socket_set_blocking (qmp_wire_socket (self), FALSE);

    self->input_source = watch (self, self->input, G_IO_IN, on_readable);
    return self;
}

void
qmp_wire_free (QmpWire *self)
{
    if (!self)
        return;
    qmp_wire_stop (self);
    qmp_reader_free (self->reader);
    g_io_stream_close (self->stream, NULL, NULL);
    g_object_unref (self->stream);
    g_main_context_unref (self->context);
    g_free (self);
}
