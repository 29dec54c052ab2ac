/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Where a QMP monitor listens, as a person writes it: PATH, unix:PATH, tcp:HOST:PORT (an IPv6
 * HOST in brackets); or whose guest it is: libvirt:DOMAIN@URI. */
#pragma once

#include <gio/gio.h>

typedef enum { QMP_ADDRESS_UNIX, QMP_ADDRESS_TCP, QMP_ADDRESS_LIBVIRT } QmpAddressKind;

typedef struct {
    QmpAddressKind kind;
    char *path;   /* unix */
    char *host;   /* tcp, without brackets */
    guint16 port; /* tcp */
    char *domain; /* libvirt: a name or uuid */
    char *uri;    /* libvirt */
    char *text;   /* canonical: unix:/abs/path (made absolute), tcp:host:port, libvirt:DOMAIN@URI */
} QmpAddress;

QmpAddress *qmp_address_parse (const char *text, GError **error); /* QMP_ERROR_ADDRESS */
void qmp_address_free (QmpAddress *self);
G_DEFINE_AUTOPTR_CLEANUP_FUNC (QmpAddress, qmp_address_free)

/* Has to be reached by other means than a socket. */
gboolean qmp_address_is_libvirt (const QmpAddress *self);
/* DOMAIN or DOMAIN@URI; the URI is $LIBVIRT_DEFAULT_URI, then qemu:///system. */
QmpAddress *qmp_address_parse_libvirt (const char *text, GError **error);

/* The same monitor: same text, or unix sockets with the same device and inode, or TCP addresses
 * that resolve alike textually (localhost, 127.0.0.1 and ::1 count as one). */
gboolean qmp_address_equal (const QmpAddress *a, const QmpAddress *b);

/* Splits HOST:PORT, [V6]:PORT. *ret_host is owned by the caller. Also for migration URIs,
 * so HOST may be empty and PORT 0. */
gboolean qmp_address_split_host_port (const char *text, char **ret_host, guint16 *ret_port,
                                      GError **error);

/* A connected, blocking=FALSE socket, within TIMEOUT_US; names are resolved, addresses tried in
 * turn. QMP_ERROR_UNREACHABLE, QMP_ERROR_TIMEOUT, and QMP_ERROR_HELD when a unix socket's queue of
 * waiting connections stays full. Does not touch GSocketClient (which loads proxy modules and costs
 * more than the rest of our start-up). */
GSocket *qmp_address_connect (const QmpAddress *self, gint64 timeout_us, GCancellable *cancel,
                              GError **error);
