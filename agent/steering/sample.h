/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* One look at a running migration, in base units, from what QEMU says. What QEMU does not say is
 * SAMPLE_UNKNOWN, never 0. Names as in docs/json.md. */
#pragma once

#include "qmp/message.h"

#define SAMPLE_UNKNOWN G_MAXUINT64

typedef struct {
    /* memory, as QEMU counts */
    guint64 total_bytes, remaining_bytes, sent_bytes;
    guint64 precopy_bytes, downtime_bytes, postcopy_bytes, multifd_bytes;
    guint64 normal_pages, zero_pages, page_size_bytes, pages_per_s;
    guint64 dirty_bytes_per_s, bandwidth_bytes_per_s, expected_downtime_us, downtime_us, setup_us;
    guint64 elapsed_us, syncs;
    /* in force */
    guint64 throttle_pct, downtime_limit_us, bandwidth_limit_bytes_per_s;
    guint64 postcopy_bandwidth_bytes_per_s, switchover_bandwidth_bytes_per_s, xbzrle_cache_bytes;
    /* extras */
    guint64 xbzrle_pages, xbzrle_bytes, xbzrle_misses, xbzrle_overflow;
    guint64 postcopy_requests, zero_copy_missed, vfio_bytes;
    /* ours: the tracker fills them in */
    guint64 sequence, passes, remaining_at_sync_bytes;
    guint64 throttle_commanded_pct, throttle_integral_us;
    guint64 max_downtime_us, max_stall_us, deadline_left_us, max_throttle_pct;
    guint64 downtime_if_stopped_us, remaining_us;
    double xbzrle_miss_rate, xbzrle_encoding_rate, pass_progress, progress; /* below 0: unknown */
    const char *verdict; /* static; NULL: unknown */
} Sample;

/* Everything unknown. */
void sample_init (Sample *self);
/* What a query-migrate answer has; the rest stays as it was. */
void sample_read_migrate (Sample *self, json_object *query_migrate);
void sample_read_parameters (Sample *self, json_object *parameters);
/* STATUS is QEMU's word; RUN_STATE may be NULL. Without type, t_us and id. */
json_object *sample_to_json (const Sample *self, const char *status, const char *run_state);

/* A `sample` line without type, t_us and id from QEMU's answers; QUERY_STATUS and PARAMETERS may be
 * NULL. Owned by the caller. */
json_object *sample_from_qemu (json_object *query_migrate, json_object *query_status,
                               json_object *parameters);
