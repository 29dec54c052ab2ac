/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "agent/host/tcp-sockets.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define STATE_ESTABLISHED 0x01
#define STATE_LISTEN      0x0a

/* "sl: local remote st tx:rx tr:when retrnsmt uid timeout inode ..." */
gboolean
tcp_socket_parse_line (TcpSocket *self, const char *line)
{
    TcpSocket socket = { 0 };
    unsigned int state, inode;
    const char *port;

    if (sscanf (line, " %*d: %39s %39s %x %*x:%*x %*x:%*x %*x %*u %*d %u", socket.local,
                socket.remote, &state, &inode) != 4)
        return FALSE;
    port = strrchr (socket.local, ':');
    if (!port)
        return FALSE;
    socket.local_port = (guint16)strtoul (port + 1, NULL, 16);
    socket.inode = inode;
    socket.is_listening = state == STATE_LISTEN;
    socket.is_connected = state == STATE_ESTABLISHED;
    *self = socket;
    return TRUE;
}

static void
read_table (GArray *sockets, pid_t pid, const char *name)
{
    g_autofree char *path = g_strdup_printf ("/proc/%d/net/%s", (int)pid, name);
    g_autofree char *text = NULL;
    g_auto (GStrv) lines = NULL;

    if (!g_file_get_contents (path, &text, NULL, NULL))
        return;
    lines = g_strsplit (text, "\n", -1);
    for (guint i = 0; lines[i]; i++) {
        TcpSocket socket;

        if (tcp_socket_parse_line (&socket, lines[i]))
            g_array_append_val (sockets, socket);
    }
}

GArray *
tcp_sockets_of (pid_t pid)
{
    GArray *sockets = g_array_new (FALSE, FALSE, sizeof (TcpSocket));

    read_table (sockets, pid, "tcp");
    read_table (sockets, pid, "tcp6");
    return sockets;
}
