/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "agent/service/guest.h"

#include <string.h>

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
