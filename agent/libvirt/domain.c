/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "agent/libvirt/domain.h"

#include <libvirt/virterror.h>
#include <libxml/parser.h>
#include <libxml/tree.h>
#include <stdlib.h>
#include <string.h>

#include "agent/libvirt/connection.h"
#include "agent/libvirt/error.h"

/* A name may look like a uuid, but only one thing is meant by a uuid that exists. */
virDomainPtr
domain_look_up (virConnectPtr connection, const char *name_or_uuid, GError **error)
{
    virDomainPtr domain = NULL;

    if (g_uuid_string_is_valid (name_or_uuid))
        domain = virDomainLookupByUUIDString (connection, name_or_uuid);
    if (!domain)
        domain = virDomainLookupByName (connection, name_or_uuid);
    if (!domain)
        error_take (error, name_or_uuid);
    return domain;
}

static char *
read_metadata (const char *xml)
{
    xmlDocPtr document = xmlReadMemory (xml, (int)strlen (xml), NULL, NULL,
                                        XML_PARSE_NONET | XML_PARSE_NOERROR | XML_PARSE_NOWARNING);
    xmlNodePtr root = document ? xmlDocGetRootElement (document) : NULL;
    xmlBufferPtr text = xmlBufferCreate ();
    char *metadata = NULL;

    for (xmlNodePtr node = root ? root->children : NULL; node && !metadata; node = node->next)
        if (node->type == XML_ELEMENT_NODE && xmlStrEqual (node->name, BAD_CAST "metadata") &&
            xmlNodeDump (text, document, node, 0, 0) > 0)
            metadata = g_strdup ((const char *)xmlBufferContent (text));
    xmlBufferFree (text);
    xmlFreeDoc (document);
    return metadata;
}

/* libvirt has no call for it. Of this host's system daemon only. */
static pid_t
read_pid (virConnectPtr connection, const char *name)
{
    g_autofree char *path = g_strdup_printf ("/run/libvirt/qemu/%s.pid", name);
    char *uri = virConnectGetURI (connection);
    g_autofree char *text = NULL;
    gboolean is_ours = uri && g_str_has_prefix (uri, "qemu:///system");

    free (uri);
    if (!is_ours || !g_file_get_contents (path, &text, NULL, NULL))
        return 0;
    return (pid_t)g_ascii_strtoll (text, NULL, 10);
}

static LibvirtDomain *
describe (virConnectPtr connection, virDomainPtr domain)
{
    LibvirtDomain *self = g_new0 (LibvirtDomain, 1);
    char uuid[VIR_UUID_STRING_BUFLEN] = "";
    char *xml = virDomainGetXMLDesc (domain, 0);

    virDomainGetUUIDString (domain, uuid);
    self->name = g_strdup (virDomainGetName (domain));
    self->uuid = g_strdup (uuid);
    self->xml = g_strdup (xml);
    self->metadata = xml ? read_metadata (xml) : NULL;
    self->is_active = virDomainIsActive (domain) == 1;
    self->pid = self->is_active ? read_pid (connection, self->name) : 0;
    free (xml);
    return self;
}

void
domain_free (LibvirtDomain *domain)
{
    if (!domain)
        return;
    g_free (domain->name);
    g_free (domain->uuid);
    g_free (domain->metadata);
    g_free (domain->xml);
    g_free (domain);
}

static void
free_item (gpointer data)
{
    domain_free (data);
}

static void
free_list (gpointer data)
{
    g_ptr_array_unref (data);
}

static gpointer
list_now (virConnectPtr connection, gpointer data, GError **error)
{
    GPtrArray *list;
    virDomainPtr *domains = NULL;
    int count = virConnectListAllDomains (connection, &domains, 0);

    if (count < 0) {
        error_take (error, "list the domains");
        return NULL;
    }
    list = g_ptr_array_new_with_free_func (free_item);
    for (int i = 0; i < count; i++) {
        g_ptr_array_add (list, describe (connection, domains[i]));
        virDomainFree (domains[i]);
    }
    free (domains);
    return list;
}

GPtrArray *
domain_list (LibvirtConnection *connection, GError **error)
{
    return connection_call (connection, "list the domains", CONNECTION_RETRY, list_now, NULL, NULL,
                            free_list, error);
}

static gpointer
find_now (virConnectPtr connection, gpointer name, GError **error)
{
    virDomainPtr domain = domain_look_up (connection, name, error);
    LibvirtDomain *found = domain ? describe (connection, domain) : NULL;

    if (domain)
        virDomainFree (domain);
    return found;
}

LibvirtDomain *
domain_find (LibvirtConnection *connection, const char *domain, GError **error)
{
    return connection_call (connection, "find the domain", CONNECTION_RETRY, find_now,
                            g_strdup (domain), g_free, free_item, error);
}
