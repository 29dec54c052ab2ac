/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "qmp/address.h"

#include "qmp/error.h"

#include <string.h>
#include <sys/stat.h>

/* A journal and an error message must name the same socket whatever directory they are read in. */
static char *
make_absolute (const char *path)
{
    g_autofree char *here = NULL;

    if (g_path_is_absolute (path))
        return g_strdup (path);
    while (g_str_has_prefix (path, "./"))
        path += 2;
    here = g_get_current_dir ();
    return g_build_filename (here, path, NULL);
}

static QmpAddress *
parse_unix (const char *path, GError **error)
{
    QmpAddress *self;

    if (!*path) {
        qmp_fail (error, QMP_ERROR_ADDRESS, "no path given for the QMP socket");
        return NULL;
    }
    self = g_new0 (QmpAddress, 1);
    self->kind = QMP_ADDRESS_UNIX;
    self->path = make_absolute (path);
    self->text = g_strconcat ("unix:", self->path, NULL);
    return self;
}

static QmpAddress *
parse_tcp (const char *rest, GError **error)
{
    g_autoptr (QmpAddress) self = g_new0 (QmpAddress, 1);

    self->kind = QMP_ADDRESS_TCP;
    if (!qmp_address_split_host_port (rest, &self->host, &self->port, error))
        return NULL;
    if (!*self->host || self->port == 0) {
        qmp_fail (error, QMP_ERROR_ADDRESS, "\"tcp:%s\" lacks a host or a port to connect to",
                  rest);
        return NULL;
    }
    self->text = g_strdup_printf (strchr (self->host, ':') ? "tcp:[%s]:%u" : "tcp:%s:%u",
                                  self->host, self->port);
    return g_steal_pointer (&self);
}

QmpAddress *
qmp_address_parse_libvirt (const char *text, GError **error)
{
    const char *at = strchr (text, '@');
    const char *uri = at ? at + 1 : g_getenv ("LIBVIRT_DEFAULT_URI");
    QmpAddress *self;

    if (!*text || at == text || (at && !*uri)) {
        qmp_fail (error, QMP_ERROR_ADDRESS, "\"%s\" is not DOMAIN or DOMAIN@URI", text);
        return NULL;
    }
    self = g_new0 (QmpAddress, 1);
    self->kind = QMP_ADDRESS_LIBVIRT;
    self->domain = at ? g_strndup (text, (gsize)(at - text)) : g_strdup (text);
    self->uri = g_strdup (uri && *uri ? uri : "qemu:///system");
    self->text = g_strdup_printf ("libvirt:%s@%s", self->domain, self->uri);
    return self;
}

QmpAddress *
qmp_address_parse (const char *text, GError **error)
{
    if (g_str_has_prefix (text, "tcp:"))
        return parse_tcp (text + strlen ("tcp:"), error);
    if (g_str_has_prefix (text, "unix:"))
        return parse_unix (text + strlen ("unix:"), error);
    if (g_str_has_prefix (text, "libvirt:"))
        return qmp_address_parse_libvirt (text + strlen ("libvirt:"), error);
    return parse_unix (text, error);
}

void
qmp_address_free (QmpAddress *self)
{
    if (!self)
        return;
    g_free (self->path);
    g_free (self->host);
    g_free (self->domain);
    g_free (self->uri);
    g_free (self->text);
    g_free (self);
}

gboolean
qmp_address_is_libvirt (const QmpAddress *self)
{
    return self->kind == QMP_ADDRESS_LIBVIRT;
}

static gboolean
same_file (const char *a, const char *b)
{
    struct stat stat_a, stat_b;

    return stat (a, &stat_a) == 0 && stat (b, &stat_b) == 0 && stat_a.st_dev == stat_b.st_dev &&
           stat_a.st_ino == stat_b.st_ino;
}

static const char *
known_name (const char *host)
{
    return strcmp (host, "127.0.0.1") == 0 || strcmp (host, "::1") == 0 ? "localhost" : host;
}

gboolean
qmp_address_equal (const QmpAddress *a, const QmpAddress *b)
{
    if (a->kind != b->kind)
        return FALSE;
    if (strcmp (a->text, b->text) == 0)
        return TRUE;
    if (a->kind == QMP_ADDRESS_UNIX)
        return same_file (a->path, b->path);
    if (a->kind == QMP_ADDRESS_LIBVIRT)
        return FALSE;
    return a->port == b->port &&
           g_ascii_strcasecmp (known_name (a->host), known_name (b->host)) == 0;
}

/* The colon before the port, NULL if HOST:PORT has none where it should be. */
static const char *
find_port (const char *text, GError **error)
{
    const char *colon = strrchr (text, ':');
    const char *bracket = strchr (text, ']');

    if (text[0] == '[' && bracket && bracket[1] == ':')
        return bracket + 1;
    if (text[0] == '[' || !colon)
        qmp_fail (error, QMP_ERROR_ADDRESS, "\"%s\" is not HOST:PORT or [IPV6]:PORT", text);
    else if (strchr (text, ':') != colon)
        qmp_fail (error, QMP_ERROR_ADDRESS,
                  "\"%s\" has several colons: an IPv6 address goes in brackets, as in [::1]:4444",
                  text);
    else
        return colon;
    return NULL;
}

gboolean
qmp_address_split_host_port (const char *text, char **ret_host, guint16 *ret_port, GError **error)
{
    const char *colon = find_port (text, error);
    gboolean bracketed = text[0] == '[';
    guint64 port;

    if (!colon)
        return FALSE;
    if (!g_ascii_string_to_unsigned (colon + 1, 10, 0, G_MAXUINT16, &port, NULL))
        return qmp_fail (error, QMP_ERROR_ADDRESS, "\"%s\" is not a port (in \"%s\")", colon + 1,
                         text);
    *ret_host = bracketed ? g_strndup (text + 1, (gsize)(colon - text) - 2)
                          : g_strndup (text, (gsize)(colon - text));
    *ret_port = (guint16)port;
    return TRUE;
}
