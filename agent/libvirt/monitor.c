/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* The near end is a socket of the caller's; the far end lives in the loop, where its bytes become
 * commands. One command at a time is on a worker, the others wait, as they would in QEMU. */
#include "agent/libvirt/monitor.h"

#include <errno.h>
#include <fcntl.h>
#include <gio/gunixinputstream.h>
#include <gio/gunixoutputstream.h>
#include <glib-unix.h>
#include <json-c/json.h>
#include <libvirt/libvirt-qemu.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "agent/libvirt/call.h"
#include "agent/libvirt/connection.h"
#include "agent/libvirt/domain.h"
#include "agent/libvirt/error.h"
#include "agent/libvirt/loop.h"
#include "agent/libvirt/passthrough.h"

/* Nobody reads, and nobody will. */
#define MAX_OUTPUT_BYTES (32 * 1024 * 1024)
/* What a caller may send in one command. */
#define MAX_INPUT_BYTES (16 * 1024 * 1024)
#define PIECE_BYTES     16384

typedef struct {
    json_object *message; /* without its id */
    json_object *id;
    gint64 came_us;
} Command;

typedef struct {
    gatomicrefcount refs; /* of the loop, of the worker, of what is posted to the loop */
    LibvirtConnection *connection;
    char *uuid;
    int event_id; /* with the present connection; -1: none */

    /* The loop's. */
    int fd; /* -1: closed */
    GSource *in, *out;
    GString *input, *output;
    GQueue commands; /* of Command */
    gboolean is_busy;
} Monitor;

static void
command_free (gpointer data)
{
    Command *self = data;

    json_object_put (self->message);
    json_object_put (self->id);
    g_free (self);
}

static Monitor *
monitor_ref (Monitor *self)
{
    g_atomic_ref_count_inc (&self->refs);
    return self;
}

static void
monitor_unref (Monitor *self)
{
    if (!g_atomic_ref_count_dec (&self->refs))
        return;
    connection_close (self->connection);
    g_string_free (self->input, TRUE);
    g_string_free (self->output, TRUE);
    g_queue_clear_full (&self->commands, command_free);
    g_free (self->uuid);
    g_free (self);
}

/* -- The far end of the socket, in the loop -- */

static gboolean
drop (gpointer data)
{
    monitor_unref (data);
    return G_SOURCE_REMOVE;
}

/* No callback of libvirt's knows it any more; one may be under way in the loop. */
static void
stop_listening (gpointer data, gpointer unused)
{
    Monitor *self = data;

    connection_ignore (self->connection, self);
    loop_post (drop, self);
}

static void
clear_source (GSource **source)
{
    if (!*source)
        return;
    g_source_destroy (*source);
    g_clear_pointer (source, g_source_unref);
}

static void
monitor_end (Monitor *self)
{
    if (self->fd < 0)
        return;
    clear_source (&self->in);
    clear_source (&self->out);
    close (self->fd);
    self->fd = -1;
    call_start (stop_listening, self);
}

static gboolean on_writable (int fd, GIOCondition condition, gpointer data);

static void
await_writable (Monitor *self)
{
    if (self->out)
        return;
    self->out = g_unix_fd_source_new (self->fd, G_IO_OUT);
    g_source_set_callback (self->out, G_SOURCE_FUNC (on_writable), self, NULL);
    g_source_attach (self->out, loop_context ());
}

static void
flush (Monitor *self)
{
    while (self->fd >= 0 && self->output->len > 0) {
        gssize written = send (self->fd, self->output->str, self->output->len, MSG_NOSIGNAL);

        if (written < 0 && errno == EINTR)
            continue;
        if (written < 0 && errno == EAGAIN && self->output->len < MAX_OUTPUT_BYTES) {
            await_writable (self);
            return;
        }
        if (written < 0)
            monitor_end (self);
        else
            g_string_erase (self->output, 0, written);
    }
    clear_source (&self->out);
}

static gboolean
on_writable (int fd, GIOCondition condition, gpointer data)
{
    Monitor *self = monitor_ref (data);

    flush (self);
    monitor_unref (self);
    return G_SOURCE_CONTINUE;
}

/* Takes MESSAGE. */
static void
say (Monitor *self, json_object *message)
{
    g_string_append (self->output,
                     json_object_to_json_string_ext (message, JSON_C_TO_STRING_PLAIN |
                                                                  JSON_C_TO_STRING_NOSLASHESCAPE));
    g_string_append (self->output, "\r\n");
    json_object_put (message);
    flush (self);
}

/* -- Commands -- */

static json_object *
error_answer (const char *desc)
{
    json_object *answer = json_object_new_object ();
    json_object *error = json_object_new_object ();

    json_object_object_add (error, "class", json_object_new_string ("GenericError"));
    json_object_object_add (error, "desc", json_object_new_string (desc));
    json_object_object_add (answer, "error", error);
    return answer;
}

/* Takes ANSWER. */
static void
answer_command (Monitor *self, const Command *command, json_object *answer)
{
    if (command->id)
        json_object_object_add (answer, "id", json_object_get (command->id));
    else
        json_object_object_del (answer, "id");
    say (self, answer);
}

typedef struct {
    Monitor *monitor;
    Command *command;
    json_object *answer; /* NULL: the domain is gone */
} Turn;

static void next_command (Monitor *self);

static gboolean
on_answered (gpointer data)
{
    Turn *turn = data;
    Monitor *self = turn->monitor;

    self->is_busy = FALSE;
    if (!turn->answer)
        monitor_end (self);
    else if (self->fd >= 0)
        answer_command (self, turn->command, turn->answer);
    else
        json_object_put (turn->answer);
    next_command (self);
    command_free (turn->command);
    monitor_unref (self);
    g_free (turn);
    return G_SOURCE_REMOVE;
}

static const char *
name_of (json_object *message)
{
    json_object *name = NULL;

    json_object_object_get_ex (message, "execute", &name);
    return json_object_is_type (name, json_type_string) ? json_object_get_string (name) : NULL;
}

/* While libvirtd is away a question waits for it, and who asked has a timeout of his own. What
 * changes something is not done any more when nobody expects it. */
static gboolean
is_to_be_asked_again (Turn *turn, const GError *why)
{
    gboolean is_away = why->code == LIBVIRT_ERROR_UNREACHABLE || why->code == LIBVIRT_ERROR_TIMEOUT;

    return is_away && passthrough_is_question (name_of (turn->command->message)) &&
           g_atomic_int_get (&turn->monitor->fd) >= 0;
}

static gboolean
is_stale (const Turn *turn)
{
    return !passthrough_is_question (name_of (turn->command->message)) &&
           g_get_monotonic_time () - turn->command->came_us >
               connection_timeout_us (turn->monitor->connection);
}

static json_object *
run_command (Turn *turn)
{
    for (;;) {
        g_autoptr (GError) why = NULL;
        json_object *answer;

        if (is_stale (turn))
            return error_answer ("not sent: libvirt had not answered what was before it in time");
        answer = passthrough_run (turn->monitor->connection, turn->monitor->uuid,
                                  turn->command->message, &why);
        if (answer)
            return answer;
        if (why->code == LIBVIRT_ERROR_NO_DOMAIN)
            return NULL;
        if (!is_to_be_asked_again (turn, why))
            return error_answer (why->message);
    }
}

static void
work (gpointer data, gpointer unused)
{
    Turn *turn = data;

    turn->answer = run_command (turn);
    loop_post (on_answered, turn);
}

/* NULL: libvirt shall be asked. */
static json_object *
answer_here (json_object *message)
{
    const char *name = name_of (message);
    const char *why;
    json_object *answer;
    g_autofree char *text = NULL;

    if (!name)
        return error_answer ("through libvirt a monitor takes {\"execute\": ...} only, nothing "
                             "out-of-band");
    if (strcmp (name, "qmp_capabilities") == 0) {
        answer = json_object_new_object ();
        json_object_object_add (answer, "return", json_object_new_object ());
        return answer;
    }
    why = passthrough_refusal (name);
    text = why ? g_strdup_printf ("refused, for libvirt owns this guest: %s", why) : NULL;
    return text ? error_answer (text) : NULL;
}

static void
next_command (Monitor *self)
{
    while (self->fd >= 0 && !self->is_busy && !g_queue_is_empty (&self->commands)) {
        Command *command = g_queue_pop_head (&self->commands);
        json_object *answer = answer_here (command->message);
        Turn *turn;

        if (answer) {
            answer_command (self, command, answer);
            command_free (command);
            continue;
        }
        turn = g_new0 (Turn, 1);
        *turn = (Turn){ .monitor = monitor_ref (self), .command = command };
        self->is_busy = TRUE;
        call_start (work, turn);
    }
}

/* FALSE: not what our own client sends. */
static gboolean
take_line (Monitor *self, const char *line)
{
    json_object *message = json_tokener_parse (line);
    json_object *id = NULL;
    Command *command;

    if (!json_object_is_type (message, json_type_object)) {
        json_object_put (message);
        return FALSE;
    }
    command = g_new0 (Command, 1);
    if (json_object_object_get_ex (message, "id", &id))
        command->id = json_object_get (id);
    json_object_object_del (message, "id"); /* libvirt gives its own */
    command->message = message;
    command->came_us = g_get_monotonic_time ();
    g_queue_push_tail (&self->commands, command);
    return TRUE;
}

static gboolean
take_lines (Monitor *self)
{
    char *end;

    while ((end = memchr (self->input->str, '\n', self->input->len))) {
        *end = '\0';
        if (!take_line (self, self->input->str))
            return FALSE;
        g_string_erase (self->input, 0, end + 1 - self->input->str);
    }
    return self->input->len < MAX_INPUT_BYTES;
}

static gboolean
on_readable (int fd, GIOCondition condition, gpointer data)
{
    Monitor *self = monitor_ref (data);
    char piece[PIECE_BYTES];
    gssize length = read (fd, piece, sizeof piece);
    gboolean is_open = length > 0 || (length < 0 && (errno == EAGAIN || errno == EINTR));

    if (length > 0)
        g_string_append_len (self->input, piece, length);
    if (is_open && take_lines (self))
        next_command (self);
    else
        monitor_end (self);
    is_open = self->fd >= 0;
    monitor_unref (self);
    return is_open ? G_SOURCE_CONTINUE : G_SOURCE_REMOVE;
}

/* -- Events -- */

static json_object *
timestamp (long long seconds, unsigned int micros)
{
    json_object *object = json_object_new_object ();

    json_object_object_add (object, "seconds", json_object_new_int64 (seconds));
    json_object_object_add (object, "microseconds", json_object_new_int64 (micros));
    return object;
}

static void
on_event (virConnectPtr connection, virDomainPtr domain, const char *name, long long seconds,
          unsigned int micros, const char *details, void *data)
{
    Monitor *self = data;
    json_object *event;
    json_object *object = details ? json_tokener_parse (details) : NULL;

    if (self->fd < 0) {
        json_object_put (object);
        return;
    }
    event = json_object_new_object ();
    json_object_object_add (event, "timestamp", timestamp (seconds, micros));
    json_object_object_add (event, "event", json_object_new_string (name));
    if (object)
        json_object_object_add (event, "data", object);
    say (self, event);
}

static void
greet (virConnectPtr connection, gboolean is_new, gpointer data)
{
    Monitor *self = data;
    virDomainPtr domain = virDomainLookupByUUIDString (connection, self->uuid);

    self->event_id = -1;
    if (!domain)
        return;
    self->event_id = virConnectDomainQemuMonitorEventRegister (connection, domain, NULL, on_event,
                                                               self, NULL, 0);
    virDomainFree (domain);
}

static void
leave (virConnectPtr connection, gpointer data)
{
    Monitor *self = data;

    if (self->event_id >= 0)
        virConnectDomainQemuMonitorEventDeregister (connection, self->event_id);
    self->event_id = -1;
}

static void
lost (gpointer data)
{
}

static const ConnectionListener listener = { greet, leave, lost };

/* -- Opening -- */

static json_object *
make_greeting (json_object *answer)
{
    json_object *version = NULL;
    json_object *greeting = json_object_new_object ();
    json_object *body = json_object_new_object ();

    json_object_object_get_ex (answer, "return", &version);
    json_object_object_add (body, "version", json_object_get (version));
    json_object_object_add (body, "capabilities", json_object_new_array ());
    json_object_object_add (greeting, "QMP", body);
    return greeting;
}

static json_object *
query_version (LibvirtConnection *connection, const char *uuid, GError **error)
{
    json_object *command = json_object_new_object ();
    json_object *answer;

    json_object_object_add (command, "execute", json_object_new_string ("query-version"));
    answer = passthrough_run (connection, uuid, command, error);
    json_object_put (command);
    return answer;
}

static gpointer
listen_now (gpointer data, GError **error)
{
    Monitor *self = data;

    connection_listen (self->connection, &listener, self);
    return self;
}

static gboolean
begin (gpointer data)
{
    Monitor *self = data;

    self->in = g_unix_fd_source_new (self->fd, G_IO_IN | G_IO_HUP | G_IO_ERR);
    g_source_set_callback (self->in, G_SOURCE_FUNC (on_readable), self, NULL);
    g_source_attach (self->in, loop_context ());
    flush (self);
    return G_SOURCE_REMOVE;
}

static Monitor *
monitor_new (LibvirtConnection *connection, const char *uuid, int fd)
{
    Monitor *self = g_new0 (Monitor, 1);

    g_atomic_ref_count_init (&self->refs);
    self->connection = connection_use (connection);
    self->uuid = g_strdup (uuid);
    self->event_id = -1;
    self->fd = fd;
    self->input = g_string_new (NULL);
    self->output = g_string_new (NULL);
    return self;
}

/* No socket: its peer would be taken for QEMU's process, and it is us. */
static GIOStream *
stream_of (int fd)
{
    g_autoptr (GInputStream) in = g_unix_input_stream_new (fd, TRUE);
    g_autoptr (GOutputStream) out = g_unix_output_stream_new (fcntl (fd, F_DUPFD_CLOEXEC, 0), TRUE);

    return g_simple_io_stream_new (in, out);
}

static GIOStream *
start (LibvirtConnection *connection, const char *uuid, json_object *version, GError **error)
{
    Monitor *self;
    int ends[2];

    if (socketpair (AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0, ends) != 0) {
        error_set (error, LIBVIRT_ERROR_UNREACHABLE, "no socket pair: %s", g_strerror (errno));
        return NULL;
    }
    self = monitor_new (connection, uuid, ends[1]);
    g_string_append (self->output, json_object_to_json_string (version));
    g_string_append (self->output, "\r\n");
    if (!call_run ("register for events", listen_now, self, NULL, NULL,
                   connection_timeout_us (connection), error)) {
        close (ends[0]);
        close (ends[1]); /* the rest stays with the worker that does not come back */
        return NULL;
    }
    loop_post (begin, self);
    return stream_of (ends[0]);
}

GIOStream *
monitor_stream_open (LibvirtConnection *connection, const char *domain, GError **error)
{
    LibvirtDomain *found = domain_find (connection, domain, error);
    json_object *answer = NULL;
    json_object *greeting;
    GIOStream *stream = NULL;

    if (found && !found->is_active)
        error_set (error, LIBVIRT_ERROR_NO_DOMAIN, "domain %s does not run", found->name);
    else if (found)
        answer = query_version (connection, found->uuid, error);
    if (answer) {
        greeting = make_greeting (answer);
        stream = start (connection, found->uuid, greeting, error);
        json_object_put (greeting);
        json_object_put (answer);
    }
    domain_free (found);
    return stream;
}
