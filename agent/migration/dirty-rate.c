/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "agent/migration/dirty-rate.h"

#include "qmp/value.h"

#define LEAST_PER_GIB 128 /* QEMU's limits */
#define MOST_PER_GIB  16384
#define OWN_PER_GIB   512 /* QEMU's own number */
#define GIB           1073741824.0
#define MIB           1048576.0

gboolean
dirty_rate_has_milliseconds (const QmpVersion *version)
{
    return version->major * 100 + version->minor >= 802;
}

static guint
per_gib (const DirtyRate *self)
{
    double pages = self->pages * GIB / (double)self->ram_bytes;

    return self->pages ? (guint)CLAMP (pages, LEAST_PER_GIB, MOST_PER_GIB) : OWN_PER_GIB;
}

guint64
dirty_rate_samples (const DirtyRate *self)
{
    return (guint64)(per_gib (self) * (double)self->ram_bytes / GIB);
}

gboolean
dirty_rate_begin (const DirtyRate *self, QmpClient *client, GError **error)
{
    gboolean fine = dirty_rate_has_milliseconds (qmp_client_version (client));
    guint time = fine ? self->time_ms : self->time_ms / 1000;
    json_object *arguments = qmp_object ("calc-time", json_object_new_int ((int)time), NULL);
    g_autoptr (json_object) reply = NULL;

    if (fine)
        json_object_object_add (arguments, "calc-time-unit",
                                json_object_new_string ("millisecond"));
    if (self->mode)
        json_object_object_add (arguments, "mode", json_object_new_string (self->mode));
    else if (self->pages)
        json_object_object_add (arguments, "sample-pages",
                                json_object_new_int ((int)per_gib (self)));
    reply = qmp_client_call (client, "calc-dirty-rate", arguments, error);
    return reply != NULL;
}

gboolean
dirty_rate_read (const DirtyRate *self, QmpClient *client, guint64 *ret_bytes, GError **error)
{
    gboolean fine = dirty_rate_has_milliseconds (qmp_client_version (client));
    json_object *arguments =
        fine ? qmp_object ("calc-time-unit", json_object_new_string ("millisecond"), NULL) : NULL;
    g_autoptr (json_object) answer = qmp_client_call (client, "query-dirty-rate", arguments, error);

    if (!answer || !g_str_equal (qmp_peek_string (answer, "status", ""), "measured"))
        return FALSE;
    *ret_bytes =
        (guint64)((double)qmp_peek_uint (answer, "dirty-rate", 0) * MIB * self->time_ms / 1000);
    return TRUE;
}
