/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* What one sample alone does not show: true passes, progress, time left. A pass is our own unit:
 * what was covered since the last boundary is at least what remained at that boundary. QEMU's sync
 * counter is no pass: newer QEMUs sync many times in one, and on a timer. Pure. */
#pragma once

#include "agent/steering/estimate.h"

/* The operator's. */
typedef struct {
    guint64 max_downtime_us;
    guint64 max_stall_us;
    guint64 deadline_us; /* 0: none */
    guint max_throttle_pct;
    guint64 bandwidth_bytes_per_s; /* 0: unlimited */
    guint64 abort_us;              /* of the migration, when its starter gives it up; 0: never */
    enum qmpmig_if_stuck if_stuck;
    enum qmpmig_postcopy postcopy; /* what is armed, and when it may be used */
} Limits;

typedef struct {
    guint64 sequence;
    guint64 passes;
    guint64 remaining_at_boundary; /* bytes; of the running pass */
    guint64 covered;               /* bytes since the boundary */
    guint64 remaining_at_sync;     /* bytes */
    gint64 sync_us, pass_us;       /* when the last one was seen */
    guint64 throttle_commanded_pct;
    guint64 throttle_integral_us; /* guest time taken: sum of time x throttle */
    guint64 last_us;
    gboolean postcopy;     /* the guest writes elsewhere: nothing gets dirty here any more */
    gboolean has_forecast; /* a policy's */
    guint64 why;           /* QMPMIG_WHY_ for the next sample, of those that others know of */
    Estimate estimate;
    Outlook outlook;
    Sample last;
} Tracker;

void tracker_init (Tracker *self);
/* NOW_US: since the start of the migration. Completes SAMPLE, keeps a copy as self->last, and
 * brings the outlook up to date. Returns TRUE when a true pass ended with it. */
gboolean tracker_take (Tracker *self, Sample *sample, const Limits *limits, guint64 now_us);
/* Whoever steers knows better: FORECAST is what a policy has said last. */
void tracker_take_forecast (Tracker *self, const struct qmpmig_advice *forecast);
