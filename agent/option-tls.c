/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* --tls KIND,dir=DIR[,hostname=NAME][,authz=ID], --tls libvirt[,hostname=NAME] */
#include <string.h>

#include "agent/comma-list.h"
#include "agent/option-key.h"

void
tls_options_clear (TlsOptions *self)
{
    g_free (self->dir);
    g_free (self->hostname);
    g_free (self->authz);
    *self = (TlsOptions){ .kind = TLS_NONE };
}

/* The first word that is none of dir=, hostname= and (x509 only) authz=. */
static const char *
tls_stray_item (const char *const *items, gboolean is_x509)
{
    for (; *items; items++)
        if (!g_str_has_prefix (*items, "dir=") && !g_str_has_prefix (*items, "hostname=") &&
            !(is_x509 && g_str_has_prefix (*items, "authz=")))
            return *items;
    return NULL;
}

static gboolean
set_libvirt (MigrateOptions *options, const char *name, const char *const *rest, GError **error)
{
    for (guint i = 0; rest[i]; i++)
        if (!g_str_has_prefix (rest[i], "hostname="))
            return units_fail (error, name, "'%s' is not known for libvirt", rest[i]);
    tls_options_clear (&options->tls);
    options->tls = (TlsOptions){
        .kind = TLS_LIBVIRT,
        .hostname = g_strdup (comma_list_get (rest, "hostname")),
    };
    return TRUE;
}

gboolean
option_set_tls (const OptionKey *key, gpointer self, const char *name, const char *value,
                GError **error)
{
    MigrateOptions *options = self;
    g_auto (GStrv) items = comma_list_split (value);
    const char *const *rest = (const char *const *)items + 1;
    gboolean is_x509 = !strcmp (items[0], "x509");
    const char *dir, *stray;

    if (strcmp (items[0], "libvirt") == 0)
        return set_libvirt (options, name, rest, error);
    if (!is_x509 && strcmp (items[0], "psk") != 0)
        return units_fail (error, name, "'%s' is none of x509, psk and (with --libvirt) libvirt",
                           items[0]);
    stray = tls_stray_item (rest, is_x509);
    if (stray)
        return units_fail (error, name, "'%s' is not known for %s", stray, items[0]);
    dir = comma_list_get (rest, "dir");
    if (!dir || !dir[0])
        return units_fail (error, name, "%s needs dir=DIRECTORY", items[0]);
    tls_options_clear (&options->tls);
    options->tls = (TlsOptions){
        .kind = is_x509 ? TLS_X509 : TLS_PSK,
        .dir = g_canonicalize_filename (dir, NULL),
        .hostname = g_strdup (comma_list_get (rest, "hostname")),
        .authz = g_strdup (comma_list_get (rest, "authz")),
    };
    return TRUE;
}
