/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "agent/option-key.h"

#include <string.h>

gboolean
option_set_flag (const OptionKey *key, gpointer self, const char *name, const char *value,
                 GError **error)
{
    gboolean on = TRUE;

    if (value && value[0] && !units_parse_bool (name, value, &on, error))
        return FALSE;
    G_STRUCT_MEMBER (gboolean, self, key->offset) = on;
    return TRUE;
}

gboolean
option_set_time (const OptionKey *key, gpointer self, const char *name, const char *value,
                 GError **error)
{
    g_autofree char *min = units_format_time (key->min);
    g_autofree char *max = units_format_time (key->max);
    guint64 us;

    if (!units_parse_time (name, value, &us, error))
        return FALSE;
    if (us < key->min || us > key->max)
        return units_fail (error, name, "%s is out of range: %s to %s", value, min, max);
    G_STRUCT_MEMBER (guint64, self, key->offset) = us;
    return TRUE;
}

gboolean
option_set_percent (const OptionKey *key, gpointer self, const char *name, const char *value,
                    GError **error)
{
    guint pct;

    if (!units_parse_percent (name, value, &pct, error))
        return FALSE;
    if (pct < key->min || pct > key->max)
        return units_fail (error, name, "%s is out of range: %u%% to %u%%", value, (guint)key->min,
                           (guint)key->max);
    G_STRUCT_MEMBER (guint, self, key->offset) = pct;
    return TRUE;
}

/* The words are those of the option's own argument, in the order of the enum. */
gboolean
option_set_choice (const OptionKey *key, gpointer self, const char *name, const char *value,
                   GError **error)
{
    g_auto (GStrv) words = g_strsplit (key->spec.argument, "|", -1);

    for (guint i = 0; words[i]; i++) {
        if (!strcmp (words[i], value)) {
            G_STRUCT_MEMBER (guint, self, key->offset) = (guint)key->min + i;
            return TRUE;
        }
    }
    return units_fail (error, name, "'%s' is not one of %s", value, key->spec.argument);
}

gboolean
option_set_address (const OptionKey *key, gpointer self, const char *name, const char *value,
                    GError **error)
{
    QmpAddress **member = &G_STRUCT_MEMBER (QmpAddress *, self, key->offset);
    QmpAddress *address = qmp_address_parse (value, error);

    if (!address) {
        g_prefix_error (error, "%s: ", name);
        return FALSE;
    }
    qmp_address_free (*member);
    *member = address;
    return TRUE;
}

gboolean
option_set_file (const OptionKey *key, gpointer self, const char *name, const char *value,
                 GError **error)
{
    char **member = &G_STRUCT_MEMBER (char *, self, key->offset);

    if (!value[0])
        return units_fail (error, name, "a file is needed");
    g_free (*member);
    *member = g_canonicalize_filename (value, NULL);
    return TRUE;
}
