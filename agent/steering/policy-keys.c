/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "agent/steering/policy-keys.h"

#include <string.h>

#include "agent/nearest.h"
#include "agent/steering/policy-internal.h"

static void
key_free (gpointer data)
{
    PolicyKey *self = data;

    g_free (self->key);
    g_free (self->fallback);
    g_free (self->text);
    g_free (self);
}

static PolicyKey *
parse_line (const char *line)
{
    size_t length = strcspn (line, "= ");
    const char *after = line + length;
    g_autofree char *fallback = NULL;
    PolicyKey *self;

    if (!length || *after != '=')
        return NULL;
    after++;
    fallback = g_strndup (after, strcspn (after, " "));
    self = g_new0 (PolicyKey, 1);
    self->key = g_strndup (line, length);
    self->text = g_strstrip (policy_clean_text (after + strlen (fallback), 256));
    self->fallback = policy_clean_text (fallback, 64);
    return self;
}

GPtrArray *
policy_keys_parse (const char *help)
{
    GPtrArray *keys = g_ptr_array_new_with_free_func (key_free);
    g_auto (GStrv) lines = g_strsplit (help ? help : "", "\n", -1);

    for (guint i = 0; lines[i]; i++) {
        PolicyKey *key = parse_line (lines[i]);

        if (key)
            g_ptr_array_add (keys, key);
    }
    return keys;
}

gboolean
policy_keys_check (const char *help, const char *policy, const char *key, GError **error)
{
    g_autoptr (GPtrArray) keys = policy_keys_parse (help);
    g_autoptr (GPtrArray) names = g_ptr_array_new ();
    const char *near;

    for (guint i = 0; i < keys->len; i++)
        g_ptr_array_add (names, ((PolicyKey *)g_ptr_array_index (keys, i))->key);
    g_ptr_array_add (names, NULL);
    if (g_strv_contains ((const char *const *)names->pdata, key))
        return TRUE;
    near = nearest_word (key, (const char *const *)names->pdata);
    if (near)
        return policy_fail (error, EXIT_USAGE, "policy %s: unknown key '%s'; did you mean '%s'?",
                            policy, key, near);
    if (!keys->len)
        return policy_fail (error, EXIT_USAGE, "policy %s: unknown key '%s': it takes none", policy,
                            key);
    return policy_fail (error, EXIT_USAGE,
                        "policy %s: unknown key '%s'; 'qmpmig policies %s' lists them", policy, key,
                        policy);
}
