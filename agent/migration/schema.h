/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* What this QEMU's query-qmp-schema says that a migration has to know. The schema has 230 KB, so
 * the digest is kept by QEMU version and package. */
#pragma once

#include "qmp/client.h"

typedef struct {
    gboolean has_yank;
    gboolean has_exit_on_error;    /* migrate-incoming */
    gboolean has_multifd_postcopy; /* 10.1 or later by its markers */
    json_object *parameters;       /* {name: true}: what migrate-set-parameters takes */
    json_object *compressions;     /* {name: true}: what multifd-compression takes */
} Schema;

/* From the cache, or asked for and then cached. A cache that cannot be written is no error. */
Schema *schema_load (QmpClient *client, GError **error);
/* The digest of a whole query-qmp-schema answer. Pure. */
json_object *schema_digest (json_object *entries);
void schema_free (Schema *self);
G_DEFINE_AUTOPTR_CLEANUP_FUNC (Schema, schema_free)
