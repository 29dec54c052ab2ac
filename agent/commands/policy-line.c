/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "agent/commands/policy-line.h"

#include "agent/steering/policy-keys.h"
#include "agent/steering/policy-place.h"
#include "qmp/value.h"

/* A plugin's own words may be anything; JSON is UTF-8. */
static json_object *
text (const char *words)
{
    g_autofree char *valid = g_utf8_make_valid (words, -1);

    return json_object_new_string (valid);
}

static json_object *
option (const PolicyKey *key)
{
    json_object *object = qmp_object ("key", text (key->key), "meaning", text (key->text), NULL);

    if (key->fallback[0])
        json_object_object_add (object, "default", text (key->fallback));
    return object;
}

static json_object *
options (const char *help)
{
    g_autoptr (GPtrArray) keys = policy_keys_parse (help);
    json_object *list = json_object_new_array ();

    for (guint i = 0; i < keys->len; i++)
        json_object_array_add (list, option (g_ptr_array_index (keys, i)));
    return list;
}

json_object *
policy_line_new (const PolicyLibrary *library)
{
    const struct qmpmig_plugin *plugin = &library->plugin;

    json_object *line =
        qmp_object ("name", text (library->name), "version", text (plugin->version), "description",
                    text (plugin->description), "abi", json_object_new_uint64 (plugin->abi),
                    "options", options (plugin->config ? plugin->config_help : NULL), NULL);

    if (library->path)
        json_object_object_add (line, "path", text (library->path));
    return line;
}

json_object *
policy_line_refused (const char *name, const GError *why)
{
    g_autofree char *own = NULL;
    g_autofree char *path = policy_place_find (name, &own, NULL);
    json_object *object = qmp_object ("name", text (name), "refused", text (why->message), NULL);

    if (path)
        json_object_object_add (object, "path", text (path));
    return object;
}
