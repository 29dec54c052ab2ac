/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* The TCP sockets in /proc/PID/net/tcp and tcp6: who is connected to a port of that process's
 * network namespace. */
#pragma once

#include <glib.h>
#include <sys/types.h>

typedef struct {
    gboolean is_listening, is_connected;
    char local[40], remote[40]; /* "0100007F:115C", as the kernel prints them */
    guint16 local_port;
    guint32 inode; /* 0: not accepted yet */
} TcpSocket;

GArray *tcp_sockets_of (pid_t pid); /* TcpSocket; empty if it cannot be read */
gboolean tcp_socket_parse_line (TcpSocket *self, const char *line);
