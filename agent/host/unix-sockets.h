/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* The unix sockets that the kernel knows: who is bound where, and who is connected to whom. Needs
 * no privilege. */
#pragma once

#include <glib.h>
#include <sys/stat.h>
#include <sys/types.h>

typedef struct {
    gboolean is_listening, is_connected;
    guint32 inode;      /* 0: not accepted yet */
    guint32 peer_inode; /* 0: none, or not told */
    guint32 file_inode; /* of the path that it is bound to; 0: none, or not told */
    guint32 file_major, file_minor;
    char *name; /* the path as it was bound, NULL: none */
} UnixSocket;

/* Those of our network namespace, with their peers (netlink's sock_diag). UnixSocket, owned. */
GPtrArray *unix_sockets_diag (GError **error);
/* Those of PID's network namespace, without peers (/proc/PID/net/unix). */
GPtrArray *unix_sockets_of (pid_t pid, GError **error);

/* The sockets in one message of sock_diag's answer, appended to SOCKETS. FALSE at the end of the
 * dump or on bytes that are none. */
gboolean unix_sockets_parse_diag (GPtrArray *sockets, const void *bytes, gsize length);
/* One line of /proc/net/unix; NULL if it is none. */
UnixSocket *unix_socket_parse_line (const char *line);
GPtrArray *unix_sockets_new (void);

/* Is it bound to PATH, whose stat() is FILE (NULL: not known)? */
gboolean unix_socket_is_at (const UnixSocket *self, const char *path, const struct stat *file);
