/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "agent/host/guest-lock.h"

#include <errno.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#include "agent/control-socket.h"
#include "agent/migration/error.h"

/* What QEMU says where it was given none. */
#define NO_UUID "00000000-0000-0000-0000-000000000000"
/* Of the service, which runs as a user of its own (qmpmig-agent.service). */
#define SERVICE_DIR "/run/qmpmig/agent"
/* Between a holder's bind() and its listen(), or while it ends. */
#define TRIES    50
#define PAUSE_US (10 * 1000)

struct GuestLock {
    int fd; /* -1: nothing is held */
};

/* In the abstract namespace: no folder's rights hide it, nothing is left behind. */
static socklen_t
fill_address (struct sockaddr_un *address, const char *uuid, pid_t pid)
{
    g_autofree char *guest = NULL;

    if (uuid && strcmp (uuid, NO_UUID) != 0)
        guest = g_ascii_strdown (uuid, -1);
    else if (pid > 0)
        guest = g_strdup_printf ("pid-%d", (int)pid);
    else
        return 0;
    *address = (struct sockaddr_un){ .sun_family = AF_UNIX };
    g_snprintf (address->sun_path + 1, sizeof address->sun_path - 1, "qmpmig/guest/%s", guest);
    return (socklen_t)(offsetof (struct sockaddr_un, sun_path) + 1 +
                       strlen (address->sun_path + 1));
}

static gboolean
owns (uid_t uid, const char *path)
{
    struct stat at;

    return path && stat (path, &at) == 0 && at.st_uid == uid;
}

/* Anybody can bind to a name, and then has to say whose process he is. */
static gboolean
is_believed (uid_t uid, const QmpAddress *monitor)
{
    return control_uid_is_trusted (geteuid (), uid) || owns (uid, SERVICE_DIR) ||
           (monitor && monitor->kind == QMP_ADDRESS_UNIX && owns (uid, monitor->path));
}

/* FALSE: nobody answers there. */
static gboolean
ask_holder (const struct sockaddr_un *address, socklen_t length, uid_t *ret_uid, pid_t *ret_pid)
{
    g_auto (ControlFd) fd = socket (AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);

    return fd >= 0 && connect (fd, (const struct sockaddr *)address, length) == 0 &&
           control_peer (fd, ret_uid, ret_pid);
}

static int
hold (const struct sockaddr_un *address, socklen_t length)
{
    g_auto (ControlFd) fd = socket (AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);

    /* The queue is as long as it gets: who asks leaves at once, and is never taken out of it. */
    if (fd < 0 || bind (fd, (const struct sockaddr *)address, length) != 0 ||
        listen (fd, SOMAXCONN) != 0)
        return -1;
    return g_steal_fd (&fd);
}

static gboolean
take (GuestLock *self, const struct sockaddr_un *address, socklen_t length,
      const QmpAddress *monitor, GError **error)
{
    uid_t uid;
    pid_t pid;

    for (int i = 0; i < TRIES; i++) {
        self->fd = hold (address, length);
        if (self->fd >= 0 || errno != EADDRINUSE)
            return TRUE;
        if (ask_holder (address, length, &uid, &pid))
            return !is_believed (uid, monitor) ||
                   migrate_fail (error, EXIT_UNREACHABLE,
                                 "pid %d of qmpmig steers this guest already, through another "
                                 "monitor",
                                 (int)pid);
        g_usleep (PAUSE_US);
    }
    return TRUE;
}

GuestLock *
guest_lock_take (const char *uuid, pid_t pid, const QmpAddress *monitor, GError **error)
{
    GuestLock *self = g_new (GuestLock, 1);
    struct sockaddr_un address;
    socklen_t length = fill_address (&address, uuid, pid);

    self->fd = -1;
    if (length == 0 || take (self, &address, length, monitor, error))
        return self;
    guest_lock_free (self);
    return NULL;
}

void
guest_lock_free (GuestLock *self)
{
    if (!self)
        return;
    if (self->fd >= 0)
        control_fd_close (self->fd);
    g_free (self);
}
