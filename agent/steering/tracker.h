/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* What one sample alone does not show: true passes, progress, time left. A pass is our own unit:
 * what was covered since the last boundary is at least what remained at that boundary. QEMU's sync
 * counter is no pass: newer QEMUs sync many times in one, and on a timer. Pure. */
#pragma once

#include "agent/steering/sample.h"

typedef struct {
    guint64 max_downtime_us;
    guint64 max_stall_us;
    guint64 deadline_us; /* 0: none */
    guint max_throttle_pct;
} Limits;

typedef struct {
    guint64 sequence;
    guint64 passes;
    guint64 remaining_at_boundary; /* bytes; of the running pass */
    guint64 remaining_at_previous; /* bytes; of the one before, SAMPLE_UNKNOWN in the first */
    guint64 covered;               /* bytes since the boundary */
    guint64 remaining_at_sync;     /* bytes */
    guint64 sent_mean;             /* bytes per second over the last seconds */
    guint64 throttle_commanded_pct;
    guint64 throttle_integral_us; /* guest time taken: sum of time x throttle */
    guint64 last_us;
    gboolean postcopy; /* the guest writes elsewhere: nothing gets dirty here any more */
    double progress;
    Sample last;
} Tracker;

void tracker_init (Tracker *self);
/* NOW_US: since the start of the migration. Completes SAMPLE and keeps a copy as self->last.
 * Returns TRUE when a true pass ended with it. */
gboolean tracker_take (Tracker *self, Sample *sample, const Limits *limits, guint64 now_us);
/* The last pass left no less than the one before it. */
gboolean tracker_has_stalled (const Tracker *self);
