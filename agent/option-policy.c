/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* --policy NAME[,KEY=VALUE...]. Keys that are called like a limit of `migrate` set that limit; the
 * others are the policy's own. */
#include <string.h>

#include "agent/comma-list.h"
#include "agent/option-key.h"

const char *const option_policy_limits[] = { "max-downtime", "max-stall", "deadline",
                                             "bandwidth",    "if-stuck",  "max-throttle",
                                             "postcopy",     NULL };

static gboolean
check_name (const char *name, const char *text, GError **error)
{
    if (text[0] == '/' ||
        (text[0] && !text[strspn (text, "abcdefghijklmnopqrstuvwxyz0123456789-")]))
        return TRUE;
    return option_fail (error, name,
                        "'%s' is neither a policy's name nor an absolute path; `qmpmig policies` "
                        "lists them",
                        text);
}

static gboolean
take_item (MigrateOptions *options, const char *name, const char *item, GError **error)
{
    g_auto (GStrv) parts = g_strsplit (item, "=", 2);

    if (!parts[0] || !parts[0][0] || !parts[1])
        return option_fail (error, name, "'%s' is not KEY=VALUE", item);
    if (g_strv_contains (option_policy_limits, parts[0]))
        return migrate_options_set (options, parts[0], parts[1], error);
    named_value_put (options->policy_keys, parts[0], parts[1], NULL);
    return TRUE;
}

gboolean
option_set_policy (const OptionKey *key, gpointer self, const char *name, const char *value,
                   GError **error)
{
    MigrateOptions *options = self;
    g_auto (GStrv) items = comma_list_split (value);

    if (!check_name (name, items[0] ? items[0] : "", error))
        return FALSE;
    if (g_strcmp0 (options->policy, items[0]) != 0)
        g_ptr_array_set_size (options->policy_keys, 0);
    g_free (options->policy);
    options->policy = g_strdup (items[0]);
    for (char **item = items + 1; *item; item++)
        if (!take_item (options, name, *item, error))
            return FALSE;
    return TRUE;
}

char *
option_policy_limit (const char *value, const char *limit)
{
    g_auto (GStrv) items = comma_list_split (value);

    /* The first is the name, and there are policies that are called like a limit. */
    return g_strdup (items[0] ? comma_list_get ((const char *const *)items + 1, limit) : NULL);
}
