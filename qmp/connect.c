/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "qmp/address.h"
#include "qmp/error.h"
#include "qmp/lookup.h"
#include "qmp/text.h"

#include <errno.h>
#include <fcntl.h>
#include <netdb.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

/* How often to knock at a unix socket whose queue of waiting connections is full, and to look
 * whether we are cancelled. */
#define GLANCE_US (20 * 1000)

typedef struct {
    const QmpAddress *address;
    gint64 timeout_us;
    gint64 deadline_us;
    GCancellable *cancel;
} Attempt;

typedef int Descriptor;

static void
close_descriptor (Descriptor fd)
{
    close (fd);
}

G_DEFINE_AUTO_CLEANUP_FREE_FUNC (Descriptor, close_descriptor, -1)

static gboolean
fail_attempt (const Attempt *attempt, int reason, GError **error)
{
    const QmpAddress *address = attempt->address;
    g_autofree char *timeout = qmp_text_duration (attempt->timeout_us);
    gboolean is_unix = address->kind == QMP_ADDRESS_UNIX;

    if (reason == ECANCELED)
        return qmp_fail (error, QMP_ERROR_CANCELLED, "cancelled while connecting to %s",
                         address->text);
    if (reason == ETIMEDOUT)
        return qmp_fail (error, QMP_ERROR_TIMEOUT, "cannot connect to %s within %s", address->text,
                         timeout);
    if (reason == EAGAIN)
        return qmp_fail (error, QMP_ERROR_HELD,
                         "%s takes no further connection: others wait for it already, and another "
                         "client holds this monitor, or QEMU does not respond",
                         address->text);
    if (is_unix && reason == ENOENT)
        return qmp_fail (error, QMP_ERROR_UNREACHABLE, "no such socket: %s", address->path);
    if (is_unix && reason == ECONNREFUSED)
        return qmp_fail (error, QMP_ERROR_UNREACHABLE, "nobody listens on %s: has its QEMU ended?",
                         address->path);
    return qmp_fail (error, QMP_ERROR_UNREACHABLE, "cannot connect to %s: %s", address->text,
                     g_strerror (reason));
}

/* Waits for FD (-1: for nothing) to be writable. 0, ETIMEDOUT or ECANCELED. */
static int
wait_writable (int fd, gint64 deadline_us, GCancellable *cancel)
{
    GPollFD polled = { .fd = fd, .events = G_IO_OUT };

    for (;;) {
        gint64 left_us = deadline_us - g_get_monotonic_time ();

        if (g_cancellable_is_cancelled (cancel))
            return ECANCELED;
        if (left_us <= 0)
            return ETIMEDOUT;
        if (g_poll (&polled, 1, (int)(MIN (left_us, GLANCE_US) / 1000 + 1)) > 0)
            return 0;
    }
}

/* 0 or the reason in terms of errno. A unix socket with a full backlog answers EAGAIN at once
 * where TCP would say that it is under way, so it is asked again. */
static int
connect_by (int fd, const struct sockaddr *peer, socklen_t length, gint64 deadline_us,
            GCancellable *cancel)
{
    socklen_t size = sizeof (int);
    int reason;

    for (;;) {
        gint64 pause_end_us = MIN (deadline_us, g_get_monotonic_time () + GLANCE_US);

        reason = connect (fd, peer, length) == 0 ? 0 : errno;
        if (reason == EINPROGRESS)
            break;
        if (reason == EINTR)
            continue;
        if (reason != EAGAIN || g_get_monotonic_time () >= deadline_us)
            return reason;
        if (wait_writable (-1, pause_end_us, cancel) == ECANCELED)
            return ECANCELED;
    }
    reason = wait_writable (fd, deadline_us, cancel);
    if (reason == 0)
        getsockopt (fd, SOL_SOCKET, SO_ERROR, &reason, &size);
    return reason;
}

static GSocket *
wrap_socket (Descriptor *fd, GError **error)
{
    GSocket *socket = g_socket_new_from_fd (*fd, error);

    if (!socket)
        return NULL;
    *fd = -1;
    g_socket_set_blocking (socket, FALSE);
    return socket;
}

/* A path that is too long for sun_path is reached through its directory's descriptor, which must
 * stay open until the connection stands. */
static gboolean
fill_unix (struct sockaddr_un *peer, const char *path, Descriptor *directory_fd)
{
    g_autofree char *directory = NULL;
    g_autofree char *name = NULL;
    g_autofree char *shortcut = NULL;

    peer->sun_family = AF_UNIX;
    if (g_strlcpy (peer->sun_path, path, sizeof peer->sun_path) < sizeof peer->sun_path)
        return TRUE;
    directory = g_path_get_dirname (path);
    name = g_path_get_basename (path);
    *directory_fd = open (directory, O_PATH | O_DIRECTORY | O_CLOEXEC);
    shortcut = g_strdup_printf ("/proc/self/fd/%d/%s", *directory_fd, name);
    if (*directory_fd < 0)
        return FALSE;
    errno = ENAMETOOLONG;
    return g_strlcpy (peer->sun_path, shortcut, sizeof peer->sun_path) < sizeof peer->sun_path;
}

static GSocket *
connect_unix (const Attempt *attempt, GError **error)
{
    g_auto (Descriptor) directory_fd = -1;
    g_auto (Descriptor) fd = socket (AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
    struct sockaddr_un peer = { 0 };
    int reason;

    if (fd < 0 || !fill_unix (&peer, attempt->address->path, &directory_fd))
        reason = errno;
    else
        reason = connect_by (fd, (struct sockaddr *)&peer, sizeof peer, attempt->deadline_us,
                             attempt->cancel);
    if (reason != 0) {
        fail_attempt (attempt, reason, error);
        return NULL;
    }
    return wrap_socket (&fd, error);
}

static const struct addrinfo *
find_peers (const Attempt *attempt, Lookup *lookup, GError **error)
{
    const struct addrinfo *peers;
    const char *why;

    if (!lookup_run (lookup, attempt->deadline_us, attempt->cancel)) {
        fail_attempt (attempt, g_cancellable_is_cancelled (attempt->cancel) ? ECANCELED : ETIMEDOUT,
                      error);
        return NULL;
    }
    peers = lookup_result (lookup, &why);
    if (!peers)
        qmp_fail (error, QMP_ERROR_UNREACHABLE, "cannot find the address of %s: %s",
                  attempt->address->host, why);
    return peers;
}

static guint
count_peers (const struct addrinfo *peer)
{
    guint count = 0;

    for (; peer; peer = peer->ai_next)
        count++;
    return count;
}

static int
connect_peer (const Attempt *attempt, const struct addrinfo *peer, Descriptor *ret_fd)
{
    gint64 now_us = g_get_monotonic_time ();
    gint64 share_us = MAX (attempt->deadline_us - now_us, 0) / count_peers (peer);
    int yes = 1;
    g_auto (Descriptor) fd =
        socket (peer->ai_family, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
    int reason = errno;

    if (fd >= 0)
        reason =
            connect_by (fd, peer->ai_addr, peer->ai_addrlen, now_us + share_us, attempt->cancel);
    if (fd >= 0 && reason == 0) {
        setsockopt (fd, IPPROTO_TCP, TCP_NODELAY, &yes, sizeof yes);
        *ret_fd = fd;
        fd = -1;
    }
    return reason;
}

static GSocket *
connect_tcp (const Attempt *attempt, GError **error)
{
    g_autoptr (Lookup) lookup = lookup_new (attempt->address->host, attempt->address->port);
    const struct addrinfo *peer = find_peers (attempt, lookup, error);
    g_auto (Descriptor) fd = -1;
    int reason = EHOSTUNREACH;

    if (!peer)
        return NULL;
    for (; peer && fd < 0 && reason != ECANCELED; peer = peer->ai_next)
        reason = connect_peer (attempt, peer, &fd);
    if (fd >= 0)
        return wrap_socket (&fd, error);
    fail_attempt (attempt, reason, error);
    return NULL;
}

GSocket *
qmp_address_connect (const QmpAddress *self, gint64 timeout_us, GCancellable *cancel,
                     GError **error)
{
    Attempt attempt = { .address = self,
                        .timeout_us = timeout_us,
                        .deadline_us = g_get_monotonic_time () + timeout_us,
                        .cancel = cancel };

    if (g_cancellable_is_cancelled (cancel)) {
        fail_attempt (&attempt, ECANCELED, error);
        return NULL;
    }
    switch (self->kind) {
    case QMP_ADDRESS_UNIX:
        return connect_unix (&attempt, error);
    case QMP_ADDRESS_TCP:
        return connect_tcp (&attempt, error);
    case QMP_ADDRESS_LIBVIRT:
        qmp_fail (error, QMP_ERROR_ADDRESS, "%s is no socket", self->text);
        return NULL;
    }
    return NULL;
}
