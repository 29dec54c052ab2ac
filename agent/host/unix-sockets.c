/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "agent/host/unix-sockets.h"

#include <errno.h>
#include <gio/gio.h>
#include <linux/netlink.h>
#include <linux/rtnetlink.h>
#include <linux/sock_diag.h>
#include <linux/unix_diag.h>
#include <netinet/tcp.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/sysmacros.h>
#include <unistd.h>

#define DIAG_BUFFER_BYTES 65536

static void
unix_socket_free (gpointer data)
{
    UnixSocket *self = data;

    g_free (self->name);
    g_free (self);
}

GPtrArray *
unix_sockets_new (void)
{
    return g_ptr_array_new_with_free_func (unix_socket_free);
}

/* --- netlink --------------------------------------------------------------------------------- */

static void
read_attribute (UnixSocket *socket, struct rtattr *attribute)
{
    const void *data = RTA_DATA (attribute);
    gsize length = RTA_PAYLOAD (attribute);

    if (attribute->rta_type == UNIX_DIAG_NAME && length > 0) {
        g_free (socket->name);
        socket->name = g_strndup (data, length);
    } else if (attribute->rta_type == UNIX_DIAG_VFS && length >= sizeof (struct unix_diag_vfs)) {
        struct unix_diag_vfs vfs;

        memcpy (&vfs, data, sizeof vfs);
        socket->file_inode = vfs.udiag_vfs_ino;
        /* The kernel's own dev_t: 12 bits of major above 20 of minor. */
        socket->file_major = vfs.udiag_vfs_dev >> 20;
        socket->file_minor = vfs.udiag_vfs_dev & 0xfffff;
    } else if (attribute->rta_type == UNIX_DIAG_PEER && length >= sizeof (guint32)) {
        memcpy (&socket->peer_inode, data, sizeof (guint32));
    }
}

static UnixSocket *
socket_from_message (struct nlmsghdr *header)
{
    struct unix_diag_msg *message = NLMSG_DATA (header);
    int left = (int)header->nlmsg_len - (int)NLMSG_LENGTH (sizeof *message);
    struct rtattr *attribute = (struct rtattr *)(message + 1);
    UnixSocket *socket = g_new0 (UnixSocket, 1);

    socket->inode = message->udiag_ino;
    socket->is_listening = message->udiag_state == TCP_LISTEN;
    socket->is_connected = message->udiag_state == TCP_ESTABLISHED;
    for (; RTA_OK (attribute, left); attribute = RTA_NEXT (attribute, left))
        read_attribute (socket, attribute);
    return socket;
}

gboolean
unix_sockets_parse_diag (GPtrArray *sockets, const void *bytes, gsize length)
{
    struct nlmsghdr *header = (struct nlmsghdr *)bytes;
    unsigned int left = (unsigned int)length;

    for (; NLMSG_OK (header, left); header = NLMSG_NEXT (header, left)) {
        if (header->nlmsg_type == NLMSG_DONE || header->nlmsg_type == NLMSG_ERROR)
            return FALSE;
        if (header->nlmsg_len >= NLMSG_LENGTH (sizeof (struct unix_diag_msg)))
            g_ptr_array_add (sockets, socket_from_message (header));
    }
    return length > 0;
}

static gboolean
fail_errno (GError **error, const char *what)
{
    int code = errno;

    g_set_error (error, G_IO_ERROR, g_io_error_from_errno (code), "%s: %s", what,
                 g_strerror (code));
    return FALSE;
}

static gboolean
ask_diag (int fd, GError **error)
{
    struct {
        struct nlmsghdr header;
        struct unix_diag_req request;
    } message = {
        .header = { .nlmsg_len = sizeof message,
                    .nlmsg_type = SOCK_DIAG_BY_FAMILY,
                    .nlmsg_flags = NLM_F_REQUEST | NLM_F_DUMP },
        .request = { .sdiag_family = AF_UNIX,
                     .udiag_states = G_MAXUINT32,
                     .udiag_show = UDIAG_SHOW_NAME | UDIAG_SHOW_VFS | UDIAG_SHOW_PEER },
    };

    if (send (fd, &message, sizeof message, 0) == sizeof message)
        return TRUE;
    return fail_errno (error, "sock_diag");
}

GPtrArray *
unix_sockets_diag (GError **error)
{
    g_autoptr (GPtrArray) sockets = unix_sockets_new ();
    g_autofree char *buffer = g_malloc (DIAG_BUFFER_BYTES);
    int fd = socket (AF_NETLINK, SOCK_RAW | SOCK_CLOEXEC, NETLINK_SOCK_DIAG);
    gboolean ok;
    ssize_t length;

    if (fd < 0) {
        fail_errno (error, "sock_diag");
        return NULL;
    }
    ok = ask_diag (fd, error);
    while (ok) {
        length = recv (fd, buffer, DIAG_BUFFER_BYTES, 0);
        if (length < 0)
            ok = fail_errno (error, "sock_diag");
        else if (!unix_sockets_parse_diag (sockets, buffer, (gsize)length))
            break;
    }
    close (fd);
    return ok ? g_steal_pointer (&sockets) : NULL;
}

/* --- /proc ----------------------------------------------------------------------------------- */

/* "Num: RefCount Protocol Flags Type St Inode [Path]"; __SO_ACCEPTCON is 0x10000. */
UnixSocket *
unix_socket_parse_line (const char *line)
{
    unsigned int flags, type, state, inode;
    int path = 0;
    UnixSocket *socket;

    if (sscanf (line, "%*x: %*x %*x %x %x %x %u %n", &flags, &type, &state, &inode, &path) != 4 ||
        !path)
        return NULL;
    socket = g_new0 (UnixSocket, 1);
    socket->inode = inode;
    socket->is_listening = (flags & 0x10000) != 0;
    socket->is_connected = state == 3; /* SS_CONNECTED */
    socket->name = line[path] ? g_strdup (line + path) : NULL;
    return socket;
}

GPtrArray *
unix_sockets_of (pid_t pid, GError **error)
{
    g_autoptr (GPtrArray) sockets = unix_sockets_new ();
    g_autofree char *path = g_strdup_printf ("/proc/%d/net/unix", (int)pid);
    g_autofree char *text = NULL;
    g_auto (GStrv) lines = NULL;

    if (!g_file_get_contents (path, &text, NULL, error))
        return NULL;
    lines = g_strsplit (text, "\n", -1);
    for (guint i = 0; lines[i]; i++) {
        UnixSocket *socket = unix_socket_parse_line (lines[i]);

        if (socket)
            g_ptr_array_add (sockets, socket);
    }
    return g_steal_pointer (&sockets);
}

gboolean
unix_socket_is_at (const UnixSocket *self, const char *path, const struct stat *file)
{
    gboolean has_name = !g_strcmp0 (self->name, path);

    if (!file || !self->file_inode)
        return has_name;
    /* Some file systems give stat() another device than the kernel has: then the name decides. */
    return self->file_inode == (guint32)file->st_ino &&
           (has_name ||
            (self->file_major == major (file->st_dev) && self->file_minor == minor (file->st_dev)));
}
