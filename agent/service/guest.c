/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "agent/service/guest.h"

#include <string.h>

#include "agent/control.h"
#include "agent/host/unix-sockets.h"
#include "agent/libvirt/session.h"
#include "agent/service/traits.h"

QmpAddress *
guest_address (const Config *config, const char *domain, GError **error)
{
    const char *uri = config_agent_value (config, "libvirt-uri");
    g_autofree char *whole = NULL;

    if (uri && *uri && !strchr (domain, '@'))
        whole = g_strdup_printf ("%s@%s", domain, uri);
    return qmp_address_parse_libvirt (whole ? whole : domain, error);
}

/* Its folder is root's, but the kernel tells who listens where. */
gboolean
guest_is_taken (const QmpAddress *address)
{
    g_autofree char *ours = control_path (address, NULL);
    g_autofree char *name = ours ? g_path_get_basename (ours) : NULL;
    g_autofree char *ending = g_strconcat ("/control/", name, NULL);
    g_autoptr (GPtrArray) sockets = unix_sockets_diag (NULL);

    for (guint i = 0; name && sockets && i < sockets->len; i++) {
        const UnixSocket *socket = g_ptr_array_index (sockets, i);

        if (socket->is_listening && socket->name && g_str_has_suffix (socket->name, ending) &&
            !g_str_equal (socket->name, ours))
            return TRUE;
    }
    return FALSE;
}

Traits *
guest_traits (const QmpAddress *address, GError **error)
{
    const LibvirtModule *module;
    LibvirtConnection *connection = libvirt_connection (address, 0, &module, error);
    LibvirtDomain *domain;
    GError *why = NULL;
    Traits *traits;

    if (!connection)
        return NULL;
    domain = module->find (connection, address->domain, &why);
    if (!domain) {
        libvirt_fail (error, why);
        return NULL;
    }
    traits = traits_from_domain (domain->xml ? domain->xml : "", error);
    module->free_domain (domain);
    return traits;
}
