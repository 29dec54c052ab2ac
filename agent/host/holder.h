/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Who holds a monitor. QEMU serves one client a socket, so a second one gets no greeting and no
 * reason; the kernel knows who is first. */
#pragma once

#include "agent/host/tcp-sockets.h"
#include "agent/host/unix-sockets.h"

typedef enum { HOLD_UNKNOWN, HOLD_FREE, HOLD_HELD } Hold;

typedef struct {
    Hold hold;
    guint32 listener_inode, client_inode; /* 0: not known */
    pid_t listener_pid, client_pid;       /* 0: not known, or not ours to see */
    char *listener, *client;              /* programs, or NULL */
    gboolean listener_is_stopped;         /* state T: it answers nobody */
} Holder;

/* The socket at PATH among SOCKETS: hold and inodes. */
void holder_match (Holder *self, const GPtrArray *sockets, const char *path,
                   const struct stat *file);
/* The same for a TCP port, among SOCKETS of TcpSocket. The client's inode is known where it is on
 * this host, in the same network namespace. */
void holder_match_tcp (Holder *self, const GArray *sockets, guint16 port);
/* Pids, programs and the listener's state, from OWNERS (proc_socket_owners()). */
void holder_name (Holder *self, GHashTable *owners);
/* Both, for one socket, or for a port of this host. */
void holder_find (Holder *self, const char *path);
void holder_find_tcp (Holder *self, guint16 port);
void holder_clear (Holder *self);
G_DEFINE_AUTO_CLEANUP_CLEAR_FUNC (Holder, holder_clear)

/* "held by libvirtd (pid 812)", "QEMU (pid 812) is stopped (state T)", or NULL: nothing to add. */
char *holder_describe (const Holder *self);
