/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Where control sockets are, who may use them, and the system calls for it. Internal to control-*.
 */
#pragma once

#include <glib/gstdio.h>
#include <sys/stat.h>

#include "agent/control.h"
#include "qmp/value.h"

/* Bounds on what the other side may send: a request, and an answer or a line. */
#define CONTROL_MAX_REQUEST_BYTES (64 * 1024)
#define CONTROL_MAX_DEPTH         32

/* FALSE, so that a failure is one line. */
gboolean control_fail (GError **error, int exit_code, const char *format, ...) G_GNUC_PRINTF (3, 4);

typedef int ControlFd;

static inline void
control_fd_close (ControlFd fd)
{
    g_close (fd, NULL);
}

G_DEFINE_AUTO_CLEANUP_FREE_FUNC (ControlFd, control_fd_close, -1)

/* "DEV-INODE.sock", "tcp-HOST-PORT.sock" */
char *control_name (const QmpAddress *monitor, GError **error);

/* Makes the runtime folder and its control folder, or checks that they are ours alone. */
gboolean control_make_dir (GError **error);

/* Every path at which a qmpmig may listen that we may ask about this monitor; our own first. */
char **control_candidates (const QmpAddress *monitor, GError **error);

/* Is a process of uid THEIRS one that a process of uid OURS talks to over a control socket? */
gboolean control_uid_is_trusted (uid_t ours, uid_t theirs);

/* Who is at the other end of a connected unix socket. */
gboolean control_peer (int fd, uid_t *ret_uid, pid_t *ret_pid);

/* Does not wait. -1 with errno; ENOENT and ECONNREFUSED mean that nobody listens there. */
int control_connect (const char *path);

/* Listens at PATH, whose folder control_make_dir() made. A stale socket is replaced. */
int control_listen (const char *path, struct stat *ret_identity, GError **error);
