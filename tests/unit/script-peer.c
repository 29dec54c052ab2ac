/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "tests/unit/script-peer.h"

#include "qmp/message.h"
#include "qmp/value.h"

#include <errno.h>
#include <fcntl.h>
#include <gio/gunixinputstream.h>
#include <gio/gunixoutputstream.h>
#include <linux/sockios.h>
#include <poll.h>
#include <string.h>
#include <sys/eventfd.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <unistd.h>

struct ScriptPeer {
    const Step *steps;
    GThread *thread;
    GIOStream *stream; /* our end */
    int input_fd;
    int output_fd; /* the same one for a socket */
    int gate_fd;
    QmpReader *reader;
    GHashTable *ids;   /* command name to its id, as text */
    int passed_fd;     /* came with the last read, -1 if none did */
    gsize passed_with; /* bytes of that read */
};

static void
write_all (ScriptPeer *self, const char *bytes, gsize length)
{
    while (length > 0) {
        gssize done = self->input_fd == self->output_fd
                          ? send (self->output_fd, bytes, length, MSG_NOSIGNAL)
                          : write (self->output_fd, bytes, length);

        if (done < 0 && errno == EINTR)
            continue;
        if (done < 0) /* the client has gone; the test says whether that is right */
            return;
        bytes += done;
        length -= (gsize)done;
    }
}

static void
append_id (ScriptPeer *self, GString *text, const char *name, gsize length)
{
    g_autofree char *key = g_strndup (name, length);
    const char *id = g_hash_table_lookup (self->ids, key);

    if (!id)
        g_error ("the script answers %s, which was not expected before", key);
    g_string_append (text, id);
}

static GString *
expand (ScriptPeer *self, const char *template)
{
    GString *text = g_string_new (NULL);

    while (*template) {
        gsize name = *template == '$' ? strspn (template + 1, "abcdefghijklmnopqrstuvwxyz_-") : 0;

        if (name > 0)
            append_id (self, text, template + 1, name);
        else
            g_string_append_c (text, *template == '\'' ? '"' : *template);
        template += name + 1;
    }
    g_string_append_c (text, '\n');
    return text;
}

static void
wait_until_read (ScriptPeer *self)
{
    int unread = 1;

    while (unread > 0) {
        g_assert_no_errno (ioctl (self->output_fd, SIOCOUTQ, &unread));
        if (unread > 0)
            g_usleep (50);
    }
}

static void
send_pieces (ScriptPeer *self, const char *bytes, gsize length, gsize piece)
{
    for (gsize done = 0; done < length; done += piece) {
        write_all (self, bytes + done, MIN (piece, length - done));
        wait_until_read (self);
    }
}

static void
send_times (ScriptPeer *self, const char *bytes, gsize length, gsize times)
{
    g_autoptr (GString) all = g_string_sized_new (length * times + 1);

    for (gsize i = 0; i < times; i++)
        g_string_append_len (all, bytes, (gssize)length);
    write_all (self, all->str, all->len);
}

static void
send_step (ScriptPeer *self, const Step *step)
{
    GString *text = expand (self, step->text);

    if (step->kind == STEP_SEND_RAW)
        write_all (self, step->text, strlen (step->text));
    else if (step->kind == STEP_PIECES)
        send_pieces (self, text->str, text->len, step->number);
    else
        send_times (self, text->str, text->len, MAX (step->number, 1));
    g_string_free (text, TRUE);
}

static void
keep_passed (ScriptPeer *self, struct msghdr *header)
{
    struct cmsghdr *control = CMSG_FIRSTHDR (header);

    if (!control)
        return;
    g_assert_cmpint (control->cmsg_type, ==, SCM_RIGHTS);
    g_assert_cmpint (self->passed_fd, ==, -1);
    memcpy (&self->passed_fd, CMSG_DATA (control), sizeof self->passed_fd);
}

/* FALSE at the end of the stream. One byte at a time, so that a descriptor is seen with the very
 * byte that it came with. */
static gboolean
read_byte (ScriptPeer *self, char *ret_byte)
{
    union {
        struct cmsghdr align;
        char bytes[CMSG_SPACE (sizeof (int))];
    } control = { 0 };
    struct iovec vector = { .iov_base = ret_byte, .iov_len = 1 };
    struct msghdr header = { .msg_iov = &vector,
                             .msg_iovlen = 1,
                             .msg_control = control.bytes,
                             .msg_controllen = sizeof control.bytes };
    gssize length;

    if (self->input_fd != self->output_fd) {
        length = read (self->input_fd, ret_byte, 1);
    } else {
        length = recvmsg (self->input_fd, &header, MSG_CMSG_CLOEXEC);
        if (length > 0)
            keep_passed (self, &header);
    }
    return length > 0;
}

/* What is there of the line that the first byte was read of, with its newline but nothing behind
 * it. A pipe cannot be peeked at. */
static gsize
read_rest (ScriptPeer *self, char *bytes, gsize size)
{
    gssize length = 1;
    const char *newline;

    if (self->input_fd == self->output_fd) {
        length = recv (self->input_fd, bytes, size, MSG_PEEK);
        newline = length > 0 ? memchr (bytes, '\n', (gsize)length) : NULL;
        length = newline ? newline - bytes + 1 : length;
    }
    if (length > 0)
        length = read (self->input_fd, bytes, (gsize)length);
    return length > 0 ? (gsize)length : 0;
}

static json_object *
read_message (ScriptPeer *self, gboolean *ret_with_fd)
{
    char bytes[32 * 1024];
    json_object *message = NULL;
    gsize length = read_byte (self, bytes) ? 1 : 0;

    *ret_with_fd = self->passed_fd >= 0;
    while (length > 0) {
        qmp_reader_feed (self->reader, bytes, length);
        if (bytes[length - 1] == '\n')
            break;
        length = read_rest (self, bytes, sizeof bytes);
    }
    if (length > 0)
        g_assert_true (qmp_reader_next (self->reader, &message, NULL));
    return message;
}

static void
answer_passed (ScriptPeer *self, const Step *step)
{
    g_assert_cmpint (write (self->passed_fd, step->text, strlen (step->text)), ==,
                     (gssize)strlen (step->text));
    close (self->passed_fd);
    self->passed_fd = -1;
}

static void
expect_step (ScriptPeer *self, const Step *step)
{
    gboolean with_fd = FALSE;
    g_autoptr (json_object) message = read_message (self, &with_fd);
    const char *key = step->kind == STEP_EXPECT_OOB ? "exec-oob" : "execute";

    if (!message)
        g_error ("the client closed instead of sending %s", step->text);
    g_assert_cmpstr (qmp_peek_string (message, key, "another"), ==, step->text);
    g_assert_cmpint (with_fd, ==, step->kind == STEP_EXPECT_FD);
    if (with_fd)
        answer_passed (self, step);
    g_hash_table_insert (self->ids, g_strdup (step->text),
                         g_strdup (json_object_get_string (qmp_peek (message, "id"))));
}

static void
wait_gate (ScriptPeer *self)
{
    guint64 count;

    g_assert_cmpint (read (self->gate_fd, &count, sizeof count), ==, sizeof count);
}

static void
wait_closed (ScriptPeer *self)
{
    struct pollfd polled = { .fd = self->input_fd, .events = 0 };

    while (!(polled.revents & POLLHUP))
        poll (&polled, 1, -1);
}

static void
close_ends (ScriptPeer *self)
{
    if (self->input_fd >= 0)
        close (self->input_fd);
    if (self->output_fd >= 0 && self->output_fd != self->input_fd)
        close (self->output_fd);
    self->input_fd = self->output_fd = -1;
}

static void
act (ScriptPeer *self, const Step *step)
{
    switch (step->kind) {
    case STEP_SEND:
    case STEP_SEND_RAW:
    case STEP_PIECES:
    case STEP_FLOOD:
        send_step (self, step);
        break;
    case STEP_EXPECT:
    case STEP_EXPECT_OOB:
    case STEP_EXPECT_FD:
        expect_step (self, step);
        break;
    case STEP_PAUSE:
        g_usleep (step->number * 1000);
        break;
    case STEP_GATE:
        wait_gate (self);
        break;
    case STEP_DEAF:
        wait_closed (self);
        break;
    case STEP_CLOSE:
        close_ends (self);
        break;
    case STEP_END:
        break;
    }
}

static gpointer
peer_thread (gpointer data)
{
    ScriptPeer *self = data;
    char byte;

    for (const Step *step = self->steps; step->kind != STEP_END; step++)
        act (self, step);
    while (self->input_fd >= 0 && read_byte (self, &byte))
        ;
    close_ends (self);
    return NULL;
}

static ScriptPeer *
start (const Step *steps, GIOStream *stream, int input_fd, int output_fd)
{
    ScriptPeer *self = g_new0 (ScriptPeer, 1);

    self->steps = steps;
    self->stream = stream;
    self->input_fd = input_fd;
    self->output_fd = output_fd;
    self->passed_fd = -1;
    self->gate_fd = eventfd (0, EFD_CLOEXEC | EFD_SEMAPHORE);
    self->reader = qmp_reader_new (QMP_MESSAGE_MAX_BYTES, QMP_MESSAGE_MAX_DEPTH);
    self->ids = g_hash_table_new_full (g_str_hash, g_str_equal, g_free, g_free);
    self->thread = g_thread_new ("peer", peer_thread, self);
    return self;
}

ScriptPeer *
script_peer_start (const Step *steps)
{
    g_autoptr (GSocket) socket = NULL;
    int pair[2];

    g_assert_no_errno (socketpair (AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, pair));
    socket = g_socket_new_from_fd (pair[0], NULL);
    g_assert_nonnull (socket);
    return start (steps, G_IO_STREAM (g_socket_connection_factory_create_connection (socket)),
                  pair[1], pair[1]);
}

ScriptPeer *
script_peer_start_pipes (const Step *steps)
{
    g_autoptr (GInputStream) input = NULL;
    g_autoptr (GOutputStream) output = NULL;
    int to_client[2], from_client[2];

    g_assert_no_errno (pipe2 (to_client, O_CLOEXEC));
    g_assert_no_errno (pipe2 (from_client, O_CLOEXEC));
    input = g_unix_input_stream_new (to_client[0], TRUE);
    output = g_unix_output_stream_new (from_client[1], TRUE);
    return start (steps, g_simple_io_stream_new (input, output), from_client[0], to_client[1]);
}

GIOStream *
script_peer_take_stream (ScriptPeer *self)
{
    return g_steal_pointer (&self->stream);
}

void
script_peer_go (ScriptPeer *self)
{
    guint64 one = 1;

    g_assert_cmpint (write (self->gate_fd, &one, sizeof one), ==, sizeof one);
}

void
script_peer_finish (ScriptPeer *self)
{
    g_clear_object (&self->stream);
    g_thread_join (self->thread);
    close (self->gate_fd);
    qmp_reader_free (self->reader);
    g_hash_table_unref (self->ids);
    g_free (self);
}
