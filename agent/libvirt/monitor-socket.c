/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* The far end of the socket, in the loop: bytes become commands, answers become bytes. */
#include <errno.h>
#include <glib-unix.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "agent/libvirt/call.h"
#include "agent/libvirt/connection.h"
#include "agent/libvirt/loop.h"
#include "agent/libvirt/monitor-internal.h"

/* Nobody reads, and nobody will. */
#define MAX_OUTPUT_BYTES (32 * 1024 * 1024)
/* What a caller may send in one command. */
#define MAX_INPUT_BYTES (16 * 1024 * 1024)
#define PIECE_BYTES     16384

void
monitor_command_free (gpointer data)
{
    Command *self = data;

    json_object_put (self->message);
    json_object_put (self->id);
    g_free (self);
}

Monitor *
monitor_ref (Monitor *self)
{
    g_atomic_ref_count_inc (&self->refs);
    return self;
}

void
monitor_unref (Monitor *self)
{
    if (!g_atomic_ref_count_dec (&self->refs))
        return;
    connection_close (self->connection);
    g_string_free (self->input, TRUE);
    g_string_free (self->output, TRUE);
    g_queue_clear_full (&self->commands, monitor_command_free);
    g_free (self->uuid);
    g_free (self);
}

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

void
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

void
monitor_flush (Monitor *self)
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

    monitor_flush (self);
    monitor_unref (self);
    return G_SOURCE_CONTINUE;
}

/* Takes MESSAGE. */
void
monitor_say (Monitor *self, json_object *message)
{
    g_string_append (self->output,
                     json_object_to_json_string_ext (message, JSON_C_TO_STRING_PLAIN |
                                                                  JSON_C_TO_STRING_NOSLASHESCAPE));
    g_string_append (self->output, "\r\n");
    json_object_put (message);
    monitor_flush (self);
}

/* -- What comes -- */

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
        monitor_next_command (self);
    else
        monitor_end (self);
    is_open = self->fd >= 0;
    monitor_unref (self);
    return is_open ? G_SOURCE_CONTINUE : G_SOURCE_REMOVE;
}

gboolean
monitor_begin (gpointer data)
{
    Monitor *self = data;

    self->in = g_unix_fd_source_new (self->fd, G_IO_IN | G_IO_HUP | G_IO_ERR);
    g_source_set_callback (self->in, G_SOURCE_FUNC (on_readable), self, NULL);
    g_source_attach (self->in, loop_context ());
    monitor_flush (self);
    return G_SOURCE_REMOVE;
}
