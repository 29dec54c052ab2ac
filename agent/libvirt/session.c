/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "agent/libvirt/session.h"

#include "agent/libvirt/loader.h"
#include "qmp/error.h"

static GMutex lock;
static GHashTable *connections; /* by URI and auth file */
static GMutex auth_lock;        /* never held for long */
static char *auth_file;

static QmpError
code_of (LibvirtErrorCode code)
{
    switch (code) {
    case LIBVIRT_ERROR_UNREACHABLE:
    case LIBVIRT_ERROR_AUTH:
    case LIBVIRT_ERROR_NO_DOMAIN:
        return QMP_ERROR_UNREACHABLE;
    case LIBVIRT_ERROR_REFUSED:
        return QMP_ERROR_REFUSED;
    case LIBVIRT_ERROR_TIMEOUT:
        return QMP_ERROR_TIMEOUT;
    case LIBVIRT_ERROR_ABORTED:
        return QMP_ERROR_CANCELLED;
    }
    return QMP_ERROR_UNREACHABLE;
}

gboolean
libvirt_fail (GError **error, GError *why)
{
    g_autoptr (GError) owned = why;

    return qmp_fail (error, code_of ((LibvirtErrorCode)why->code), "%s", why->message);
}

void
libvirt_set_auth_file (const char *file)
{
    g_mutex_lock (&auth_lock);
    g_free (auth_file);
    auth_file = g_strdup (file);
    g_mutex_unlock (&auth_lock);
}

static char *
current_auth_file (void)
{
    char *file;

    g_mutex_lock (&auth_lock);
    file = g_strdup (auth_file);
    g_mutex_unlock (&auth_lock);
    return file;
}

/* A blank is in no URI. */
static char *
key_of (const QmpAddress *address, const char *file)
{
    return g_strconcat (address->uri, " ", file, NULL);
}

gboolean
libvirt_is_connected (const QmpAddress *address)
{
    g_autofree char *file = current_auth_file ();
    g_autofree char *key = key_of (address, file);
    gboolean is_connected;

    if (!g_mutex_trylock (&lock))
        return FALSE;
    is_connected = connections && g_hash_table_contains (connections, key);
    g_mutex_unlock (&lock);
    return is_connected;
}

LibvirtConnection *
libvirt_connection (const QmpAddress *address, gint64 timeout_us, const LibvirtModule **ret_module,
                    GError **error)
{
    const LibvirtModule *module = libvirt_load (error);
    g_autofree char *file = current_auth_file ();
    g_autofree char *key = key_of (address, file);
    LibvirtOptions options = { .uri = address->uri, .auth_file = file, .timeout_us = timeout_us };
    LibvirtConnection *connection;
    GError *why = NULL;

    if (!module)
        return NULL;
    *ret_module = module;
    g_mutex_lock (&lock);
    if (!connections)
        connections = g_hash_table_new_full (g_str_hash, g_str_equal, g_free, NULL);
    connection = g_hash_table_lookup (connections, key);
    if (!connection && (connection = module->open (&options, &why)))
        g_hash_table_insert (connections, g_strdup (key), connection);
    g_mutex_unlock (&lock);
    if (!connection)
        libvirt_fail (error, why);
    return connection;
}

GIOStream *
libvirt_open_monitor (const QmpAddress *address, gint64 timeout_us, GError **error)
{
    const LibvirtModule *module;
    LibvirtConnection *connection = libvirt_connection (address, timeout_us, &module, error);
    GError *why = NULL;
    GIOStream *stream =
        connection ? module->open_monitor (connection, address->domain, &why) : NULL;

    if (connection && !stream)
        libvirt_fail (error, why);
    return stream;
}
