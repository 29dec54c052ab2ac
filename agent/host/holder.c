/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "agent/host/holder.h"

#include <string.h>
#include <unistd.h>

#include "agent/host/proc.h"

void
holder_match (Holder *self, const GPtrArray *sockets, const char *path, const struct stat *file)
{
    for (guint i = 0; i < sockets->len; i++) {
        const UnixSocket *socket = g_ptr_array_index (sockets, i);

        if (!unix_socket_is_at (socket, path, file))
            continue;
        if (socket->is_listening) {
            self->listener_inode = socket->inode;
            self->hold = MAX (self->hold, HOLD_FREE);
        } else if (socket->is_connected && socket->inode) {
            /* What QEMU has accepted. Those who wait behind have no inode yet. */
            self->client_inode = socket->peer_inode;
            self->hold = HOLD_HELD;
        }
    }
}

/* The other end of a connection is the socket whose addresses are the same, crossed. */
static guint32
tcp_peer_inode (const GArray *sockets, const TcpSocket *socket)
{
    for (guint i = 0; i < sockets->len; i++) {
        const TcpSocket *other = &g_array_index (sockets, TcpSocket, i);

        if (!strcmp (other->local, socket->remote) && !strcmp (other->remote, socket->local))
            return other->inode;
    }
    return 0;
}

void
holder_match_tcp (Holder *self, const GArray *sockets, guint16 port)
{
    for (guint i = 0; i < sockets->len; i++) {
        const TcpSocket *socket = &g_array_index (sockets, TcpSocket, i);

        if (socket->local_port != port)
            continue;
        if (socket->is_listening) {
            self->listener_inode = socket->inode;
            self->hold = MAX (self->hold, HOLD_FREE);
        } else if (socket->is_connected && socket->inode) {
            self->client_inode = tcp_peer_inode (sockets, socket);
            self->hold = HOLD_HELD;
        }
    }
}

static pid_t
owner_of (GHashTable *owners, guint32 inode)
{
    return inode ? GPOINTER_TO_INT (g_hash_table_lookup (owners, GUINT_TO_POINTER (inode))) : 0;
}

void
holder_name (Holder *self, GHashTable *owners)
{
    self->listener_pid = owner_of (owners, self->listener_inode);
    self->client_pid = owner_of (owners, self->client_inode);
    self->listener = self->listener_pid ? proc_program (self->listener_pid) : NULL;
    self->client = self->client_pid ? proc_program (self->client_pid) : NULL;
    self->listener_is_stopped = self->listener_pid && proc_state (self->listener_pid) == 'T';
}

void
holder_find (Holder *self, const char *path)
{
    g_autoptr (GPtrArray) sockets = unix_sockets_diag (NULL);
    g_autoptr (GHashTable) owners = NULL;
    struct stat file;

    *self = (Holder){ 0 };
    if (!sockets || stat (path, &file) != 0)
        return;
    holder_match (self, sockets, path, &file);
    owners = proc_socket_owners (NULL);
    holder_name (self, owners);
}

void
holder_find_tcp (Holder *self, guint16 port)
{
    g_autoptr (GArray) sockets = tcp_sockets_of (getpid ());
    g_autoptr (GHashTable) owners = proc_socket_owners (NULL);

    *self = (Holder){ 0 };
    holder_match_tcp (self, sockets, port);
    holder_name (self, owners);
}

void
holder_clear (Holder *self)
{
    g_clear_pointer (&self->listener, g_free);
    g_clear_pointer (&self->client, g_free);
}

char *
holder_describe (const Holder *self)
{
    if (self->listener_is_stopped)
        return g_strdup_printf ("%s (pid %d) is stopped (state T)",
                                self->listener ? self->listener : "QEMU", (int)self->listener_pid);
    if (self->client_pid)
        return g_strdup_printf ("held by %s (pid %d)", self->client ? self->client : "a program",
                                (int)self->client_pid);
    if (self->hold == HOLD_HELD)
        return g_strdup ("held by a program that we may not see (root could)");
    return NULL;
}
