/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "agent/config-vm.h"

#include <string.h>

#include "agent/config-private.h"

static void
set_text (char **place, const char *text)
{
    if (!text || !*text)
        return;
    g_free (*place);
    *place = g_strdup (text);
}

void
traits_set (Traits *self, const char *name, const char *uuid)
{
    set_text (&self->name, name);
    set_text (&self->uuid, uuid);
}

void
traits_free (Traits *self)
{
    if (!self)
        return;
    g_free (self->name);
    g_free (self->uuid);
    g_free (self->flavor);
    g_free (self->manager);
    if (self->specs)
        g_hash_table_unref (self->specs);
    g_free (self);
}

/* -- Patterns -- */

static gboolean
uuid_matches (const char *pattern, const Traits *traits)
{
    return traits->uuid && !g_ascii_strcasecmp (pattern, traits->uuid);
}

static gboolean
flavor_matches (const char *pattern, const Traits *traits)
{
    return traits->flavor && g_pattern_match_simple (pattern, traits->flavor);
}

/* A key may have colons, "hw:cpu_policy". */
static gboolean
spec_matches (const char *pattern, const Traits *traits)
{
    g_auto (GStrv) parts = g_strsplit (pattern, "=", 2);
    const char *value =
        traits->specs && parts[0] ? g_hash_table_lookup (traits->specs, parts[0]) : NULL;

    return value && parts[1] && g_pattern_match_simple (parts[1], value);
}

static const struct {
    const char *prefix;
    gboolean (*matches) (const char *pattern, const Traits *traits);
} kinds[] = {
    { "uuid:", uuid_matches },
    { "flavor:", flavor_matches },
    { "spec:", spec_matches },
};

gboolean
config_pattern_matches (const char *pattern, const Traits *traits)
{
    for (guint i = 0; i < G_N_ELEMENTS (kinds); i++)
        if (g_str_has_prefix (pattern, kinds[i].prefix))
            return kinds[i].matches (pattern + strlen (kinds[i].prefix), traits);
    return traits->name && g_pattern_match_simple (pattern, traits->name);
}

gboolean
config_pattern_is_known (const char *pattern)
{
    for (guint i = 0; i < G_N_ELEMENTS (kinds); i++)
        if (g_str_has_prefix (pattern, kinds[i].prefix))
            return strcmp (kinds[i].prefix, "spec:") != 0 || strchr (pattern, '=');
    return !strchr (pattern, ':');
}

/* -- Values -- */

static const char *
find_value (const GPtrArray *values, const char *key)
{
    const char *found = NULL;

    for (guint i = 0; i < values->len; i++) {
        const ConfigValue *value = g_ptr_array_index (values, i);

        if (!strcmp (value->key, key))
            found = value->value;
    }
    return found;
}

const char *
config_agent_value (const Config *self, const char *key)
{
    return find_value (self->agent, key);
}

const ConfigSection *
config_find_vm (const Config *self, const Traits *traits)
{
    for (guint i = 0; i < self->sections->len; i++) {
        const ConfigSection *section = g_ptr_array_index (self->sections, i);

        if (config_pattern_matches (section->pattern, traits))
            return section;
    }
    return NULL;
}

const char *
config_vm_value (const Config *self, const Traits *traits, const char *key)
{
    const ConfigSection *section = config_find_vm (self, traits);
    const char *value = section ? find_value (section->agent, key) : NULL;

    return value ? value : config_agent_value (self, key);
}

Config *
config_copy (const Config *self)
{
    Config *copy = config_new ();

    for (guint i = 0; i < self->files; i++) {
        const ConfigValue *value = g_ptr_array_index (self->values, i);

        config_add_value (copy->values, value->key, value->value, value->origin);
    }
    copy->files = copy->stronger = self->files;
    g_ptr_array_unref (copy->sections);
    g_ptr_array_unref (copy->policies);
    g_ptr_array_unref (copy->agent);
    copy->sections = g_ptr_array_ref (self->sections);
    copy->policies = g_ptr_array_ref (self->policies);
    copy->agent = g_ptr_array_ref (self->agent);
    return copy;
}
