/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* The policy `auto` and the time that is left. */
#include <math.h>

#include "auto-moves.h"

/* It may take so much longer than foreseen: with this 98 % of 400 simulated deadlines are met
 * (tests/replay/deadlines.py). */
#define LATE 1.25

/* Postcopy ends in the time that it takes to send what is dirty. */
int
switch_in_time (const struct qmpmig_sample *s, const struct forecast_model *m, double left_us,
                struct qmpmig_advice *a)
{
    double needs_us = forecast_send_us (m, (double)s->remaining_at_sync_bytes);

    if (!(s->may & QMPMIG_MAY_POSTCOPY) || left_us > needs_us * 1.5 + S)
        return 0;
    a->action = QMPMIG_ACTION_POSTCOPY;
    say (a, REASON_POSTCOPY, "%.1f s are left to the deadline: switching to postcopy", left_us / S);
    return 1;
}

double
time_left_us (const struct qmpmig_sample *s)
{
    return fmin ((double)s->limits.deadline_left_us, (double)s->limits.abort_left_us);
}

/* It would end by itself, but too late. */
int
press (struct policy *p, const struct qmpmig_sample *s, const struct forecast_model *m,
       const struct forecast *free_run, struct qmpmig_advice *a)
{
    double left = time_left_us (s);
    struct way way;

    if (left >= (double)QMPMIG_UNKNOWN / 2 || (free_run->ends && free_run->time_us < left))
        return 0;
    way = find_throttle (p, s, m);
    if (way.f.ends && (s->may & QMPMIG_MAY_THROTTLE_UP) && left > 0) {
        if (way.f.time_us * LATE + 0.5 * S < left)
            return 0; /* no earlier than needed */
        throttle (p, s, m, &way, REASON_DEADLINE, a);
        return 1;
    }
    if (switch_in_time (s, m, left, a))
        return 1;
    if (left > 0)
        return 0;
    give_up (p, s, m, free_run->stall_us, a);
    return 1;
}
