/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* What QEMU itself says of its migration, for when none of ours steers it. */
#pragma once

#include "agent/commands/reach.h"
#include "agent/migration/status.h"
#include "agent/steering/tracker.h"

typedef struct {
    json_object *migrate, *run, *parameters; /* QEMU's answers */
    MigrationStatus status;
    const char *word;        /* QEMU's for the status; "none" */
    const char *run_state;   /* may be NULL */
    gboolean is_destination; /* as far as one end alone can tell */
} Look;

gboolean look_take (Reach *reach, Look *ret_look, GError **error);
void look_clear (Look *self);
G_DEFINE_AUTO_CLEANUP_CLEAR_FUNC (Look, look_clear)

/* SAMPLE_UNKNOWN where QEMU does not say. */
guint64 look_remaining_bytes (const Look *self);
guint64 look_bandwidth_bytes_per_s (const Look *self);
/* How long what remains takes at the rate at which QEMU sends. */
guint64 look_blackout_us (const Look *self);

/* Is the capability on? */
gboolean look_has_capability (Reach *reach, const char *name, gboolean *ret_on, GError **error);

/* The lines of docs/json.md that this amounts to, without what begins a record. */
json_object *look_sample (const Look *self, Tracker *tracker, guint64 now_us);
json_object *look_header (const Look *self, Reach *reach);
json_object *look_result (const Look *self, Reach *reach, gboolean was_postcopy);
