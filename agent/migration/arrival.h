/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* What a receiving end is at: as its own QEMU tells, or as its source's status implies. */
#pragma once

#include "agent/migration/status.h"
#include "qmp/message.h"

/* The `arrival` of docs/json.md: "waiting", "listening", "receiving", "postcopy",
 * "postcopy-paused", "postcopy-recover", "arrived", "failed". */
const char *arrival_word (MigrationStatus status);
/* Where it listens, of an answer to query-migrate, as URIs; NULL: it does not say. Owned by the
 * caller. */
json_object *arrival_addresses (json_object *migrate);
/* `end`, `arrival` and `listens_at` into SAMPLE. MIGRATE may be NULL. */
void arrival_add (json_object *sample, MigrationStatus status, json_object *migrate);
