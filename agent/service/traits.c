/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "agent/service/traits.h"

#include <libxml/parser.h>
#include <libxml/xpath.h>

#include "agent/migration/error.h"

/* Nova's namespace has a version in it, and oVirt has had several: the names alone tell. */
#define NOVA   "//*[local-name()='metadata']/*[local-name()='instance']"
#define FLAVOR NOVA "/*[local-name()='flavor']"
#define OVIRT  "//*[local-name()='metadata']/*[local-name()='vm'][contains(namespace-uri(),'ovirt')]"

static xmlNode *
first (xmlXPathContext *context, const char *path)
{
    xmlXPathObject *found = xmlXPathEvalExpression (BAD_CAST path, context);
    xmlNode *node = NULL;

    if (found && found->nodesetval && found->nodesetval->nodeNr > 0)
        node = found->nodesetval->nodeTab[0];
    xmlXPathFreeObject (found);
    return node;
}

static char *
text_of (xmlNode *node)
{
    xmlChar *text = node ? xmlNodeGetContent (node) : NULL;
    char *copy = g_strdup ((const char *)text);

    xmlFree (text);
    return copy ? g_strstrip (copy) : NULL;
}

static char *
attribute (xmlNode *node, const char *name)
{
    xmlChar *text = node ? xmlGetProp (node, BAD_CAST name) : NULL;
    char *copy = g_strdup ((const char *)text);

    xmlFree (text);
    return copy;
}

/* <nova:extraSpecs><nova:extraSpec name="KEY">VALUE</nova:extraSpec>... */
static void
read_specs (xmlXPathContext *context, Traits *traits)
{
    xmlXPathObject *found =
        xmlXPathEvalExpression (BAD_CAST FLAVOR "//*[local-name()='extraSpec']", context);
    xmlNodeSet *set = found ? found->nodesetval : NULL;

    traits->specs = g_hash_table_new_full (g_str_hash, g_str_equal, g_free, g_free);
    for (int i = 0; set && i < set->nodeNr; i++) {
        char *name = attribute (set->nodeTab[i], "name");

        if (name)
            g_hash_table_insert (traits->specs, name, text_of (set->nodeTab[i]));
    }
    xmlXPathFreeObject (found);
}

static void
read_domain (xmlXPathContext *context, Traits *traits)
{
    traits->name = text_of (first (context, "/domain/name"));
    traits->uuid = text_of (first (context, "/domain/uuid"));
    traits->flavor = attribute (first (context, FLAVOR), "name");
    if (first (context, NOVA "[contains(namespace-uri(),'openstack')]"))
        traits->manager = g_strdup ("nova");
    else if (first (context, OVIRT))
        traits->manager = g_strdup ("vdsm");
    read_specs (context, traits);
}

Traits *
traits_from_domain (const char *xml, GError **error)
{
    xmlDoc *doc = xmlReadMemory (xml, (int)strlen (xml), "domain.xml", NULL,
                                 XML_PARSE_NONET | XML_PARSE_NOERROR | XML_PARSE_NOWARNING);
    xmlXPathContext *context = doc ? xmlXPathNewContext (doc) : NULL;
    Traits *traits = NULL;

    if (context) {
        traits = g_new0 (Traits, 1);
        read_domain (context, traits);
    } else {
        migrate_fail (error, EXIT_INTERNAL, "libvirt: the domain's XML cannot be read");
    }
    xmlXPathFreeContext (context);
    xmlFreeDoc (doc);
    return traits;
}
