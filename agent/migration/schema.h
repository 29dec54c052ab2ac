/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* What only this QEMU's query-qmp-schema says and some migrations have to know. It has 230 KB and
 * takes QEMU 50 ms and more, so the digest is kept by QEMU version and package. */
#pragma once

#include "qmp/client.h"

typedef struct {
    guint references;
    gboolean has_multifd_postcopy; /* 10.1 or later by its markers */
    json_object *parameters;       /* {name: true}: what migrate-set-parameters takes */
    json_object *compressions;     /* {name: true}: what multifd-compression takes */
} Schema;

/* From the cache, or asked for and then cached. A cache that cannot be written is no error. */
Schema *schema_load (QmpClient *client, GError **error);
/* The digest of a whole query-qmp-schema answer. Pure. */
json_object *schema_digest (QmpList *entries, GError **error);
Schema *schema_new (json_object *digest);
Schema *schema_ref (Schema *self);
void schema_unref (Schema *self); /* NULL is fine */
G_DEFINE_AUTOPTR_CLEANUP_FUNC (Schema, schema_unref)

gboolean schema_has_parameter (const Schema *self, const char *name);
gboolean schema_has_compression (const Schema *self, const char *name);
