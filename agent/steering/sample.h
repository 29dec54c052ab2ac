/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* One look at a running migration, in base units, from what QEMU says: the very struct that a
 * policy is shown. What QEMU does not say is QMPMIG_UNKNOWN, never 0. In JSON each field has its
 * name; those of `limits` stand beside the others. */
#pragma once

#include "plugins/qmpmig-plugin.h"
#include "qmp/message.h"

#define SAMPLE_UNKNOWN QMPMIG_UNKNOWN

typedef struct qmpmig_sample Sample;

/* What people are shown beside it. */
typedef struct {
    guint64 remaining_us;                /* until the guest runs there */
    guint64 downtime_us, downtime_bytes; /* at the end, as QEMU says */
    double pass_progress, progress;      /* 0 to 1; below 0: unknown */
    guint64 verdict;                     /* enum qmpmig_verdict */
} Outlook;

/* Everything unknown. */
void sample_init (Sample *self);
void outlook_init (Outlook *self);
const char *verdict_name (guint64 verdict);
/* What a query-migrate answer has; the rest stays as it was. OUTLOOK may be NULL. */
void sample_read_migrate (Sample *self, Outlook *outlook, json_object *query_migrate);
void sample_take_run_state (Sample *self, const char *run_state); /* NULL: not known */
void sample_read_parameters (Sample *self, json_object *parameters);
/* STATUS is QEMU's word; RUN_STATE and OUTLOOK may be NULL. Without type, t_us and id. */
json_object *sample_to_json (const Sample *self, const Outlook *outlook, const char *status,
                             const char *run_state);
/* The same into LINE, which has none of its members. */
void sample_write (const Sample *self, const Outlook *outlook, const char *status,
                   const char *run_state, json_object *line);
/* The sample of a recorded line; what it does not have is unknown. */
void sample_from_json (Sample *self, json_object *line);

/* A `sample` line without type, t_us and id from QEMU's answers; QUERY_STATUS and PARAMETERS may be
 * NULL. Owned by the caller. */
json_object *sample_from_qemu (json_object *query_migrate, json_object *query_status,
                               json_object *parameters);
