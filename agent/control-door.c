/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "agent/control-door.h"

#include <errno.h>
#include <glib-unix.h>
#include <sys/socket.h>
#include <unistd.h>

struct ControlDoor {
    char *path;
    ControlFd fd;
    struct stat identity; /* of the socket that we made at PATH */
    GSource *source;
    guint monitor;
    ControlKnock knock;
    gpointer data;
};

static gboolean
on_readable (int listening, GIOCondition condition, gpointer data)
{
    ControlDoor *self = data;
    int fd = accept4 (listening, NULL, NULL, SOCK_CLOEXEC | SOCK_NONBLOCK);

    if (fd >= 0)
        self->knock (fd, self->monitor, self->data);
    else if (errno == EMFILE || errno == ENFILE)
        /* The caller stays in the queue; without a pause this would be a busy loop. */
        g_usleep (10 * 1000);
    return G_SOURCE_CONTINUE;
}

ControlDoor *
control_door_open (GMainContext *context, const char *path, guint monitor, ControlKnock knock,
                   gpointer data, GError **error)
{
    ControlDoor *self;
    struct stat identity;
    int fd = control_listen (path, &identity, error);

    if (fd < 0)
        return NULL;
    self = g_new (ControlDoor, 1);
    *self = (ControlDoor){
        .path = g_strdup (path),
        .fd = fd,
        .identity = identity,
        .source = g_unix_fd_source_new (fd, G_IO_IN),
        .monitor = monitor,
        .knock = knock,
        .data = data,
    };
    g_source_set_static_name (self->source, "control door");
    g_source_set_callback (self->source, G_SOURCE_FUNC (on_readable), self, NULL);
    g_source_attach (self->source, context);
    return self;
}

void
control_door_close (ControlDoor *self)
{
    struct stat now;

    if (!self)
        return;
    g_source_destroy (self->source);
    g_source_unref (self->source);
    /* Only what is still ours: somebody may have cleaned up, and another taken the place. */
    if (lstat (self->path, &now) == 0 && now.st_ino == self->identity.st_ino &&
        now.st_dev == self->identity.st_dev)
        unlink (self->path);
    control_fd_close (self->fd);
    g_free (self->path);
    g_free (self);
}

const char *
control_door_path (const ControlDoor *self)
{
    return self->path;
}
