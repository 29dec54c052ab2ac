/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "agent/hook/domain.h"

#include <libxml/parser.h>
#include <libxml/tree.h>
#include <string.h>

#define QEMU_NAMESPACE "http://libvirt.org/schemas/domain/qemu/1.0"
#define NOVA_NAMESPACE "http://openstack.org/xmlns/libvirt/nova/1.1"

/* Every host that runs libvirt has the folder, QEMU may write there, and SELinux's policy labels
 * what it makes there. */
#define MONITOR_PATTERN "/var/lib/libvirt/qemu/qmpmig-%s.sock"

struct Domain {
    xmlDoc *doc;
    char *name;
    char *uuid;
    char *nova_policy; /* NULL: none */
};

G_DEFINE_QUARK (hook_domain_error, domain_error)

static gboolean
is_element (const xmlNode *node, const char *name, const char *namespace)
{
    if (node->type != XML_ELEMENT_NODE || strcmp ((const char *)node->name, name) != 0)
        return FALSE;
    if (!namespace)
        return !node->ns;
    return node->ns && !strcmp ((const char *)node->ns->href, namespace);
}

static xmlNode *
find_child (const xmlNode *parent, const char *name, const char *namespace)
{
    for (xmlNode *node = parent ? parent->children : NULL; node; node = node->next)
        if (is_element (node, name, namespace))
            return node;
    return NULL;
}

static char *
text_of (const xmlNode *node)
{
    xmlChar *content = node ? xmlNodeGetContent (node) : NULL;
    char *text = g_strdup ((const char *)content);

    xmlFree (content);
    return text ? g_strstrip (text) : NULL;
}

static gboolean
has_attribute (const xmlNode *node, const char *name, const char *value)
{
    xmlChar *found = xmlGetNoNsProp (node, (const xmlChar *)name);
    gboolean is_same = found && !strcmp ((const char *)found, value);

    xmlFree (found);
    return is_same;
}

static char *
find_nova_policy (const xmlNode *domain)
{
    const xmlNode *metadata = find_child (domain, "metadata", NULL);
    const xmlNode *instance = find_child (metadata, "instance", NOVA_NAMESPACE);
    const xmlNode *flavor = find_child (instance, "flavor", NOVA_NAMESPACE);
    const xmlNode *specs = find_child (flavor, "extraSpecs", NOVA_NAMESPACE);

    for (xmlNode *node = specs ? specs->children : NULL; node; node = node->next)
        if (is_element (node, "extraSpec", NOVA_NAMESPACE) &&
            has_attribute (node, "name", "qmpmig:policy"))
            return text_of (node);
    return NULL;
}

static gboolean
read_domain (Domain *self, GError **error)
{
    const xmlNode *root = xmlDocGetRootElement (self->doc);

    if (!root || !is_element (root, "domain", NULL)) {
        g_set_error (error, DOMAIN_ERROR, 0, "the XML is not that of a libvirt domain");
        return FALSE;
    }
    self->name = text_of (find_child (root, "name", NULL));
    self->uuid = text_of (find_child (root, "uuid", NULL));
    if (!self->name || !self->uuid || !g_uuid_string_is_valid (self->uuid)) {
        g_set_error (error, DOMAIN_ERROR, 0, "the domain's XML has no name, or no UUID");
        return FALSE;
    }
    self->nova_policy = find_nova_policy (root);
    return TRUE;
}

Domain *
domain_parse (const char *xml, gsize length, GError **error)
{
    g_autoptr (Domain) self = g_new0 (Domain, 1);
    const xmlError *fault;

    if (length <= G_MAXINT)
        self->doc = xmlReadMemory (xml, (int)length, "domain", NULL,
                                   XML_PARSE_NONET | XML_PARSE_NOERROR | XML_PARSE_NOWARNING);
    if (!self->doc) {
        fault = xmlGetLastError ();
        g_set_error (error, DOMAIN_ERROR, 0, "the domain's XML cannot be read: %s",
                     fault && fault->message ? fault->message : "it is too long");
        return NULL;
    }
    return read_domain (self, error) ? g_steal_pointer (&self) : NULL;
}

void
domain_free (Domain *self)
{
    if (!self)
        return;
    xmlFreeDoc (self->doc);
    g_free (self->name);
    g_free (self->uuid);
    g_free (self->nova_policy);
    g_free (self);
}

const char *
domain_name (const Domain *self)
{
    return self->name;
}

const char *
domain_uuid (const Domain *self)
{
    return self->uuid;
}

const char *
domain_nova_policy (const Domain *self)
{
    return self->nova_policy;
}

/* --- the second monitor ---------------------------------------------------------------------- */

char *
domain_monitor_path (const Domain *self)
{
    return g_strdup_printf (MONITOR_PATTERN, self->uuid);
}

static char *
monitor_argument (const Domain *self)
{
    g_autofree char *path = domain_monitor_path (self);

    return g_strdup_printf ("unix:%s,server=on,wait=off", path);
}

static xmlNode *
find_command_line (const Domain *self)
{
    return find_child (xmlDocGetRootElement (self->doc), "commandline", QEMU_NAMESPACE);
}

gboolean
domain_has_monitor (const Domain *self)
{
    const xmlNode *line = find_command_line (self);
    g_autofree char *argument = monitor_argument (self);

    for (xmlNode *node = line ? line->children : NULL; node; node = node->next)
        if (is_element (node, "arg", QEMU_NAMESPACE) && has_attribute (node, "value", argument))
            return TRUE;
    return FALSE;
}

static void
add_argument (xmlNode *line, const char *value)
{
    xmlNode *argument = xmlNewChild (line, line->ns, (const xmlChar *)"arg", NULL);

    xmlNewProp (argument, (const xmlChar *)"value", (const xmlChar *)value);
}

void
domain_add_monitor (Domain *self)
{
    xmlNode *root = xmlDocGetRootElement (self->doc);
    xmlNode *line = find_command_line (self);
    g_autofree char *argument = monitor_argument (self);
    xmlNs *namespace;

    if (domain_has_monitor (self))
        return;
    if (!line) {
        namespace = xmlSearchNsByHref (self->doc, root, (const xmlChar *)QEMU_NAMESPACE);
        if (!namespace)
        namespace = xmlNewNs (root, (const xmlChar *)QEMU_NAMESPACE, (const xmlChar *)"qemu");
        line = xmlNewChild (root, namespace, (const xmlChar *)"commandline", NULL);
    }
    add_argument (line, "-qmp");
    add_argument (line, argument);
}

char *
domain_to_xml (const Domain *self)
{
    xmlChar *memory = NULL;
    int length = 0;
    char *xml;

    xmlDocDumpMemoryEnc (self->doc, &memory, &length, "UTF-8");
    xml = g_strndup ((const char *)memory, length);
    xmlFree (memory);
    return xml;
}
