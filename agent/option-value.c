/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Options whose values have a shape of their own. */
#include <string.h>

#include "agent/option-key.h"

#define DEFAULT_MULTIFD    2
#define MIN_XBZRLE_BYTES   4096
#define MAX_COMPRESS_LEVEL 20

gboolean
option_set_bandwidth (const OptionKey *key, gpointer self, const char *name, const char *value,
                      GError **error)
{
    MigrateOptions *options = self;
    guint64 rate;

    if (!units_parse_rate (name, value, &rate, error))
        return FALSE;
    if (rate == 0)
        return units_fail (error, name, "nothing moves at %s: write 'unlimited' for no limit",
                           value);
    options->bandwidth_bytes_per_s = rate;
    return TRUE;
}

gboolean
option_set_multifd (const OptionKey *key, gpointer self, const char *name, const char *value,
                    GError **error)
{
    MigrateOptions *options = self;
    guint64 channels = DEFAULT_MULTIFD;

    if (value && value[0] && !units_parse_uint (name, value, key->min, key->max, &channels, error))
        return FALSE;
    options->multifd_channels = (guint)channels;
    return TRUE;
}

gboolean
option_set_compress (const OptionKey *key, gpointer self, const char *name, const char *value,
                     GError **error)
{
    MigrateOptions *options = self;
    g_auto (GStrv) parts = g_strsplit (value, ":", 2);
    gboolean is_none = !g_strcmp0 (parts[0], "none");
    guint64 level;

    if (!parts[0] || !parts[0][0] ||
        parts[0][strspn (parts[0], "abcdefghijklmnopqrstuvwxyz0123456789-")])
        return units_fail (error, name, "'%s' is not METHOD or METHOD:LEVEL, such as zstd:3",
                           value);
    if (parts[1] && is_none)
        return units_fail (error, name, "'none' has no level");
    if (parts[1] && !units_parse_uint (name, parts[1], 0, MAX_COMPRESS_LEVEL, &level, error))
        return FALSE;
    g_free (options->compress_method);
    options->compress_method = is_none ? NULL : g_strdup (parts[0]);
    options->compress_level = parts[1] ? (int)level : -1;
    return TRUE;
}

gboolean
option_set_xbzrle (const OptionKey *key, gpointer self, const char *name, const char *value,
                   GError **error)
{
    MigrateOptions *options = self;
    guint64 bytes = 0;

    if (value && value[0]) {
        if (!units_parse_size (name, value, &bytes, error))
            return FALSE;
        if (bytes < MIN_XBZRLE_BYTES || (bytes & (bytes - 1)))
            return units_fail (error, name, "%s is not a power of two of at least 4 KiB", value);
    }
    options->xbzrle = TRUE;
    options->xbzrle_cache_bytes = bytes;
    return TRUE;
}

gboolean
option_set_capability (const OptionKey *key, gpointer self, const char *name, const char *value,
                       GError **error)
{
    MigrateOptions *options = self;
    g_auto (GStrv) parts = g_strsplit (value, "=", 2);
    gboolean on;

    if (!parts[0] || !parts[0][0] || !parts[1])
        return units_fail (error, name, "'%s' is not NAME=on or NAME=off", value);
    if (!units_parse_bool (name, parts[1], &on, error))
        return FALSE;
    named_value_put (options->capabilities, parts[0], on ? "on" : "off", NULL);
    return TRUE;
}

gboolean
option_set_parameter (const OptionKey *key, gpointer self, const char *name, const char *value,
                      GError **error)
{
    MigrateOptions *options = self;
    g_auto (GStrv) parts = g_strsplit (value, "=", 2);

    if (!parts[0] || !parts[0][0] || !parts[1])
        return units_fail (error, name, "'%s' is not KEY=VALUE", value);
    named_value_put (options->parameters, parts[0], parts[1], NULL);
    return TRUE;
}

gboolean
option_set_unsafe (const OptionKey *key, gpointer self, const char *name, const char *value,
                   GError **error)
{
    MigrateOptions *options = self;
    g_auto (GStrv) items = g_strsplit (value, ",", -1);

    if (g_strv_contains ((const char *const *)items, "all"))
        return units_fail (error, name, "there is no 'all': name each item");
    if (!items[0] || g_strv_contains ((const char *const *)items, ""))
        return units_fail (error, name, "'%s' has an empty item", value);
    g_strfreev (options->unsafe);
    options->unsafe = g_steal_pointer (&items);
    return TRUE;
}

gboolean
option_set_trace (const OptionKey *key, gpointer self, const char *name, const char *value,
                  GError **error)
{
    MigrateOptions *options = self;

    if (strcmp (value, "none") != 0 && !option_set_file (key, self, name, value, error))
        return FALSE;
    options->no_trace = !strcmp (value, "none");
    if (options->no_trace)
        g_clear_pointer (&options->trace_file, g_free);
    return TRUE;
}

/* The same monitor as --socket's. Only one of them can be meant. */
gboolean
option_set_libvirt (const OptionKey *key, gpointer self, const char *name, const char *value,
                    GError **error)
{
    GlobalOptions *options = self;
    g_autoptr (GError) why = NULL;
    QmpAddress *address;

    if (options->socket && !qmp_address_is_libvirt (options->socket))
        return units_fail (error, name, "give either --libvirt or --socket");
    address = qmp_address_parse_libvirt (value, &why);
    if (!address)
        return units_fail (error, name, "%s", why->message);
    qmp_address_free (options->socket);
    options->socket = address;
    return TRUE;
}

gboolean
option_set_socket (const OptionKey *key, gpointer self, const char *name, const char *value,
                   GError **error)
{
    GlobalOptions *options = self;

    if (options->socket && qmp_address_is_libvirt (options->socket))
        return units_fail (error, name, "give either --libvirt or --socket");
    return option_set_address (key, self, name, value, error);
}
