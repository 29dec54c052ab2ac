/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "agent/migration/uri.h"

#include <errno.h>
#include <fcntl.h>
#include <gio/gunixsocketaddress.h>
#include <glib/gstdio.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "agent/migration/error.h"
#include "qmp/address.h"

#define BACKLOG_BYTES 131072

static gboolean
parse_host_port (MigrationUri *self, const char *rest, GError **error)
{
    /* QEMU takes options after a comma (ipv4=on, keep-alive=on); they stay in the text. */
    g_autofree char *address = g_strndup (rest, strcspn (rest, ","));
    g_autoptr (GError) why = NULL;

    if (qmp_address_split_host_port (address, &self->host, &self->port, &why))
        return TRUE;
    return migrate_fail (error, EXIT_USAGE, "%s: %s (an example: tcp:192.0.2.7:4444)", self->text,
                         why->message);
}

static gboolean
parse_path (MigrationUri *self, const char *rest, GError **error)
{
    if (!*rest)
        return migrate_fail (error, EXIT_USAGE,
                             "%s: the path is missing (an example: unix:/run/move.sock)",
                             self->text);
    self->path = g_canonicalize_filename (rest, NULL);
    return TRUE;
}

static gboolean
parse_unix (MigrationUri *self, const char *rest, GError **error)
{
    if (!parse_path (self, rest, error))
        return FALSE;
    /* QEMU's working directory is not ours. */
    g_free (self->text);
    self->text = g_strconcat ("unix:", self->path, NULL);
    return TRUE;
}

static gboolean
parse_file (MigrationUri *self, const char *rest, GError **error)
{
    g_autofree char *path = g_strndup (rest, strcspn (rest, ","));
    const char *options = rest + strlen (path);

    if (!parse_path (self, path, error))
        return FALSE;
    g_free (self->text);
    self->text = g_strconcat ("file:", self->path, options, NULL);
    return TRUE;
}

static gboolean
parse_vsock (MigrationUri *self, const char *rest, GError **error)
{
    g_auto (GStrv) parts = g_strsplit (rest, ":", -1);
    guint64 cid, port;

    if (g_strv_length (parts) == 2 &&
        g_ascii_string_to_unsigned (parts[0], 10, 0, G_MAXUINT32, &cid, NULL) &&
        g_ascii_string_to_unsigned (parts[1], 10, 0, G_MAXUINT32, &port, NULL))
        return TRUE;
    return migrate_fail (error, EXIT_USAGE, "%s: expected vsock:CID:PORT, both numbers",
                         self->text);
}

static gboolean
parse_fd (MigrationUri *self, const char *rest, GError **error)
{
    guint64 fd;

    if (g_str_has_prefix (rest, "tcp:")) {
        self->kind = URI_FD_TCP;
        return parse_host_port (self, rest + 4, error);
    }
    if (g_str_has_prefix (rest, "unix:")) {
        self->kind = URI_FD_UNIX;
        return parse_path (self, rest + 5, error);
    }
    if (!g_ascii_string_to_unsigned (rest, 10, 0, G_MAXINT, &fd, NULL))
        return migrate_fail (error, EXIT_USAGE,
                             "%s: expected fd:tcp:HOST:PORT, fd:unix:PATH, or fd:N with the number "
                             "of a descriptor that qmpmig inherited",
                             self->text);
    self->fd = (int)fd;
    if (fcntl (self->fd, F_GETFD) < 0)
        return migrate_fail (error, EXIT_USAGE, "%s: descriptor %d is not open in qmpmig",
                             self->text, self->fd);
    return TRUE;
}

static gboolean
parse_rest (MigrationUri *self, const char *rest, GError **error)
{
    if (*rest)
        return TRUE;
    return migrate_fail (error, EXIT_USAGE, "%s: nothing follows the colon", self->text);
}

static const struct {
    const char *scheme;
    UriKind kind;
    gboolean (*parse) (MigrationUri *self, const char *rest, GError **error);
} schemes[] = {
    { "tcp", URI_TCP, parse_host_port }, { "unix", URI_UNIX, parse_unix },
    { "vsock", URI_VSOCK, parse_vsock }, { "fd", URI_FD, parse_fd },
    { "file", URI_FILE, parse_file },    { "rdma", URI_RDMA, parse_host_port },
    { "exec", URI_EXEC, parse_rest },
};

MigrationUri *
migration_uri_parse (const char *text, gboolean allow_exec, GError **error)
{
    const char *colon = strchr (text, ':');
    g_autofree char *scheme = g_strndup (text, colon ? (gsize)(colon - text) : 0);
    g_autoptr (MigrationUri) self = g_new0 (MigrationUri, 1);

    self->text = g_strdup (text);
    self->fd = -1;
    for (guint i = 0; colon && i < G_N_ELEMENTS (schemes); i++) {
        if (!g_str_equal (schemes[i].scheme, scheme))
            continue;
        self->kind = schemes[i].kind;
        if (self->kind == URI_EXEC && !allow_exec) {
            migrate_fail (error, EXIT_USAGE,
                          "%s: exec: runs a shell command as QEMU's user; --allow-exec permits it",
                          text);
            return NULL;
        }
        return schemes[i].parse (self, colon + 1, error) ? g_steal_pointer (&self) : NULL;
    }
    migrate_fail (error, EXIT_USAGE,
                  "%s is not a migration URI: expected tcp:HOST:PORT, unix:PATH, vsock:CID:PORT, "
                  "fd:tcp:HOST:PORT, fd:unix:PATH, fd:N, file:PATH, rdma:HOST:PORT or exec:COMMAND",
                  text);
    return NULL;
}

void
migration_uri_free (MigrationUri *self)
{
    if (!self)
        return;
    g_free (self->text);
    g_free (self->host);
    g_free (self->path);
    g_free (self);
}

gboolean
migration_uri_is_two_way (const MigrationUri *self)
{
    return self->kind != URI_FILE && self->kind != URI_EXEC;
}

gboolean
migration_uri_has_channels (const MigrationUri *self)
{
    return self->kind == URI_TCP || self->kind == URI_UNIX || self->kind == URI_VSOCK;
}

gboolean
migration_uri_is_storage (const MigrationUri *self)
{
    return self->kind == URI_FILE;
}

static char *
tcp_text (const char *host, guint16 port)
{
    return g_strdup_printf (strchr (host, ':') ? "tcp:[%s]:%u" : "tcp:%s:%u", host, port);
}

char *
migration_uri_listen_text (const MigrationUri *self)
{
    switch (self->kind) {
    case URI_TCP:
    case URI_FD_TCP:
        if (g_hostname_is_ip_address (self->host) || g_str_equal (self->host, "localhost"))
            return tcp_text (self->host, self->port);
        return tcp_text ("0", self->port);
    case URI_FD_UNIX:
        return g_strconcat ("unix:", self->path, NULL);
    case URI_UNIX:
    case URI_VSOCK:
    case URI_FD:
    case URI_FILE:
    case URI_RDMA:
    case URI_EXEC:
        return g_strdup (self->text);
    }
    return NULL;
}

char *
migration_uri_with_port (const MigrationUri *self, guint16 port)
{
    g_autofree char *tcp = NULL;

    if (self->kind != URI_TCP && self->kind != URI_FD_TCP)
        return g_strdup (self->text);
    tcp = tcp_text (self->host, port);
    return g_strconcat (self->kind == URI_FD_TCP ? "fd:" : "", tcp, NULL);
}

static QmpAddress *
address_of (const MigrationUri *self, GError **error)
{
    g_autofree char *text = self->kind == URI_FD_UNIX ? g_strconcat ("unix:", self->path, NULL)
                                                      : tcp_text (self->host, self->port);
    return qmp_address_parse (text, error);
}

static GSocket *
listen_on (const MigrationUri *self, GError **error)
{
    g_autoptr (GSocketAddress) address = NULL;
    g_autoptr (GSocket) socket = NULL;

    if (self->kind == URI_FD_UNIX)
        address = g_unix_socket_address_new (self->path);
    else
        address = g_inet_socket_address_new_from_string (
            g_str_equal (self->host, "0") ? "0.0.0.0" : self->host, self->port);
    if (!address) {
        migrate_fail (error, EXIT_USAGE, "%s: give the address to listen on as a literal",
                      self->text);
        return NULL;
    }
    socket = g_socket_new (g_socket_address_get_family (address), G_SOCKET_TYPE_STREAM,
                           G_SOCKET_PROTOCOL_DEFAULT, error);
    if (!socket || !g_socket_bind (socket, address, TRUE, error) ||
        !g_socket_listen (socket, error))
        return NULL;
    return g_steal_pointer (&socket);
}

/* What the kernel has taken and not sent yet, often two megabytes, goes out before what QEMU writes
 * once the guest has stopped: the blackout is longer by it. QEMU fills what it is given, so that it
 * is given less. A kernel that cannot leaves it as it was. */
static void
keep_backlog_short (GSocket *socket)
{
    g_socket_set_option (socket, IPPROTO_TCP, TCP_NOTSENT_LOWAT, BACKLOG_BYTES, NULL);
}

int
migration_uri_open_fd (const MigrationUri *self, gboolean listen, gint64 timeout_us,
                       GCancellable *cancel, GError **error)
{
    g_autoptr (GSocket) socket = NULL;
    g_autoptr (GSocket) listener = NULL;
    g_autoptr (QmpAddress) address = NULL;

    if (self->kind == URI_FD)
        return fcntl (self->fd, F_DUPFD_CLOEXEC, 3);
    if (listen) {
        listener = listen_on (self, error);
        if (!listener ||
            !g_socket_condition_timed_wait (listener, G_IO_IN, timeout_us, cancel, error))
            return -1;
        socket = g_socket_accept (listener, cancel, error);
        if (self->kind == URI_FD_UNIX)
            g_unlink (self->path);
    } else {
        address = address_of (self, error);
        socket = address ? qmp_address_connect (address, timeout_us, cancel, error) : NULL;
        if (socket && self->kind == URI_FD_TCP)
            keep_backlog_short (socket);
    }
    if (!socket)
        return -1;
    g_socket_set_blocking (socket, TRUE);
    return fcntl (g_socket_get_fd (socket), F_DUPFD_CLOEXEC, 3);
}
