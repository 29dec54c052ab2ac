/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "agent/libvirt/session.h"

#include "agent/libvirt/loader.h"
#include "qmp/error.h"

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

LibvirtConnection *
libvirt_connection (const QmpAddress *address, gint64 timeout_us, const LibvirtModule **ret_module,
                    GError **error)
{
    static GMutex lock;
    static GHashTable *connections; /* by URI */
    const LibvirtModule *module = libvirt_load (error);
    LibvirtOptions options = { .uri = address->uri, .timeout_us = timeout_us };
    LibvirtConnection *connection;
    GError *why = NULL;

    if (!module)
        return NULL;
    *ret_module = module;
    g_mutex_lock (&lock);
    if (!connections)
        connections = g_hash_table_new_full (g_str_hash, g_str_equal, g_free, NULL);
    connection = g_hash_table_lookup (connections, address->uri);
    if (!connection && (connection = module->open (&options, &why)))
        g_hash_table_insert (connections, g_strdup (address->uri), connection);
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
