/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* --policy NAME[,KEY=VALUE...]. Keys that are called like a limit of `migrate` set that limit; the
 * others are the policy's own. A policy reads no files: @FILE is read here, so that the record has
 * the text and not the name. */
#include <string.h>
#include <sys/stat.h>

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
    return units_fail (error, name,
                       "'%s' is neither a policy's name nor an absolute path; `qmpmig policies` "
                       "lists them",
                       text);
}

#define LONGEST_FILE 65536

/* Its text; what is wrong is told without a word of it, as whoever asked may not be permitted to
 * read it. Owned by the caller. */
static char *
read_file (const char *name, const char *key, const char *path, GError **error)
{
    g_autoptr (GError) why = NULL;
    g_autofree char *text = NULL;
    struct stat status;
    gsize length = 0;

    if (stat (path, &status) == 0 && (!S_ISREG (status.st_mode) || status.st_size > LONGEST_FILE)) {
        units_fail (error, name, "%s: %s is no file of up to 64 KiB", key, path);
        return NULL;
    }
    if (!g_file_get_contents (path, &text, &length, &why)) {
        units_fail (error, name, "%s: %s", key, why->message);
        return NULL;
    }
    if (strlen (text) != length || !g_utf8_validate (text, -1, NULL)) {
        units_fail (error, name, "%s: %s is no UTF-8 text", key, path);
        return NULL;
    }
    return g_steal_pointer (&text);
}

/* KEY=@FILE; a value that begins with @ is written @@. */
static gboolean
put_own (MigrateOptions *options, const char *name, const char *key, const char *value,
         GError **error)
{
    g_autofree char *text = NULL;

    if (value[0] == '@' && value[1] != '@') {
        text = read_file (name, key, value + 1, error);
        if (!text)
            return FALSE;
    }
    named_value_put (options->policy_keys, key, text ? text : value + (value[0] == '@'), NULL);
    return TRUE;
}

static gboolean
take_item (MigrateOptions *options, const char *name, const char *item, GError **error)
{
    g_auto (GStrv) parts = g_strsplit (item, "=", 2);

    if (!parts[0] || !parts[0][0] || !parts[1])
        return units_fail (error, name, "'%s' is not KEY=VALUE", item);
    if (g_strv_contains (option_policy_limits, parts[0]))
        return migrate_options_set (options, parts[0], parts[1], error);
    return put_own (options, name, parts[0], parts[1], error);
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
