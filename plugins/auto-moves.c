/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "auto-moves.h"

#include <inttypes.h>
#include <math.h>
#include <stdarg.h>
#include <stdio.h>

/* QEMU may stop the guest for this at any time: a standstill that nobody notices, or a small part
 * of what is permitted, which saves a pass where passes shrink slowly. */
#define UNNOTICED_US (30 * MS)
#define SMALL_PART   (1.0 / 6)
/* Of the longest permitted standstill, for the throttle's sleeps; the rest is for the blackout,
 * which may follow on one. */
#define STALL_SHARE 0.4
/* A limit that differs less is left: each change costs QEMU's main loop a moment. */
#define SAME_LIMIT 0.1
/* QEMU throttles by letting a vCPU run so long and sleep the rest. */
#define THROTTLE_SLICE_US (10 * MS)
/* QEMU acts on what is commanded at a sync, and rates only those that are so far apart. */
#define RATED_US (1 * S)

double
small_downtime_us (const struct qmpmig_limits *limits)
{
    double most = (double)limits->max_downtime_us;

    return fmin (most, fmax (UNNOTICED_US, most * SMALL_PART));
}

void
say (struct qmpmig_advice *a, enum reason code, const char *format, ...)
{
    va_list args;

    va_start (args, format);
    vsnprintf (a->reason, sizeof a->reason, format, args);
    va_end (args);
    a->reason_code = code;
}

static double
sleep_us (double throttle)
{
    return throttle <= 0 ? 0 : THROTTLE_SLICE_US * throttle / (1 - throttle);
}

double
allowed_us (const struct qmpmig_sample *s, double throttle)
{
    double downtime = (double)s->limits.max_downtime_us;
    double stall = (double)s->limits.max_stall_us - sleep_us (throttle);

    return fmax ((throttle > 0 ? fmin (downtime, stall) : downtime) - (double)s->switchover_us,
                 fmin (downtime, UNNOTICED_US) / 2);
}

double
hard_throttle (const struct qmpmig_sample *s)
{
    double stall = STALL_SHARE * (double)s->limits.max_stall_us;

    return fmin (floor (100 * stall / (stall + THROTTLE_SLICE_US)),
                 (double)s->limits.max_throttle_pct) /
           100;
}

/* The throttle is primed: it holds from the next rated sync on. */
static double
lag_us (const struct qmpmig_sample *s, const struct forecast_model *model)
{
    return fmax (forecast_send_us (model, (double)s->remaining_bytes),
                 RATED_US - (double)s->since_sync_us);
}

struct forecast
foresee (const struct qmpmig_sample *s, const struct forecast_model *model, double throttle)
{
    struct forecast_case c = {
        .remaining_bytes = (double)s->remaining_bytes,
        .pass_bytes = (double)s->remaining_at_sync_bytes,
        .throttle_now = (double)s->throttle_pct / 100,
        .throttle = throttle,
        .lag_us = throttle > 0 && s->throttle_pct < 2 ? lag_us (s, model) : 0,
        .stop_us = throttle > 0 ? allowed_us (s, throttle) : small_downtime_us (&s->limits),
    };

    return forecast_run (model, &c);
}

static void
tell_forecast (const struct qmpmig_sample *s, const struct forecast *f, struct qmpmig_advice *a)
{
    double fixed = (double)s->switchover_us;

    a->remaining_us = (uint64_t)(f->time_us + fixed);
    a->remaining_p90_us = (uint64_t)(f->time_us * 1.15 + 2 * fixed);
    a->blackout_us = (uint64_t)(f->blackout_us + fixed);
    a->blackout_p90_us = (uint64_t)(f->blackout_us * 1.5 + 2 * fixed);
    a->work_lost_us = s->throttle_integral_us + (uint64_t)(f->lost_us + f->blackout_us + fixed);
}

static void
set_downtime (const struct qmpmig_sample *s, double us, struct qmpmig_advice *a)
{
    double now = (double)s->downtime_limit_us;
    uint64_t limit = (uint64_t)fmin (ceil (us / MS) * MS, (double)s->limits.max_downtime_us);

    if (fabs ((double)limit - now) < SAME_LIMIT * now)
        return;
    a->set |= QMPMIG_SET_DOWNTIME;
    a->downtime_limit_us = limit;
    /* QEMU measures the link over a tenth of a second; with this the limit means what it says. */
    if (s->may & QMPMIG_MAY_SWITCHOVER_BANDWIDTH) {
        a->set |= QMPMIG_SET_SWITCHOVER_BANDWIDTH;
        a->switchover_bandwidth_bytes_per_s = s->link_bytes_per_s;
    }
}

int
on_course (const struct qmpmig_sample *s, const struct forecast *f, enum reason code,
           const char *words, struct qmpmig_advice *a)
{
    tell_forecast (s, f, a);
    a->verdict = QMPMIG_VERDICT_ON_COURSE;
    say (a, code, "%s", words);
    return 0;
}

int
finish (struct policy *p, const struct qmpmig_sample *s, const struct forecast *f, double stop_us,
        struct qmpmig_advice *a)
{
    p->stage = STAGE_FINISHING;
    set_downtime (s, stop_us * 1.2, a);
    tell_forecast (s, f, a);
    a->remaining_us = (uint64_t)stop_us + s->switchover_us;
    a->blackout_us = a->remaining_us;
    a->verdict = QMPMIG_VERDICT_ON_COURSE;
    say (a, REASON_FINISH,
         "another pass would leave as much: the guest may stand still for %.0f ms now",
         stop_us / MS);
    return 0;
}

int
throttle (struct policy *p, const struct qmpmig_sample *s, const struct forecast *f, double share,
          enum reason code, struct qmpmig_advice *a)
{
    p->stage = STAGE_THROTTLED;
    p->throttle_pct = (uint64_t)lround (100 * share);
    p->passes_held = 0;
    a->set |= QMPMIG_SET_THROTTLE;
    a->throttle_pct = p->throttle_pct;
    set_downtime (s, allowed_us (s, share), a);
    tell_forecast (s, f, a);
    a->verdict = QMPMIG_VERDICT_ON_COURSE;
    if (code == REASON_DEADLINE)
        say (a, code, "%.1f s are left to the deadline, and it takes %.1f s: throttle %.0f %%",
             (double)s->limits.deadline_left_us / S, f->time_us / S, 100 * share);
    else
        say (a, code,
             "passes do not shrink: throttle %.0f %%, hard and short, about %.1f s of guest time",
             100 * share, (f->lost_us + f->blackout_us) / S);
    return 0;
}

static void
say_cannot (const struct qmpmig_sample *s, const struct forecast_model *m, double stall_us,
            struct qmpmig_advice *a)
{
    double allowed = (double)s->limits.max_downtime_us;
    double needed = stall_us + (double)s->switchover_us;

    a->verdict = QMPMIG_VERDICT_CANNOT;
    a->needs = QMPMIG_NEEDS_DOWNTIME | QMPMIG_NEEDS_BANDWIDTH | QMPMIG_NEEDS_POSTCOPY;
    a->needed_downtime_us = (uint64_t)needed;
    a->needed_bandwidth_bytes_per_s = (uint64_t)forecast_needed_link (
        m, (double)s->limits.max_throttle_pct / 100, allowed_us (s, 0));
    a->needed_throttle_pct = s->workable_throttle_pct;
    say (a, REASON_CANNOT,
         "needs %.1f s of downtime, postcopy, or %.0f Mbit/s; allowed: %.0f ms, throttle %" PRIu64
         " %%",
         needed / S, (double)a->needed_bandwidth_bytes_per_s * 8 / 1e6, allowed / MS,
         s->limits.max_throttle_pct);
}

int
give_up (struct policy *p, const struct qmpmig_sample *s, const struct forecast_model *m,
         double stall_us, struct qmpmig_advice *a)
{
    int is_new = p->stage != STAGE_STUCK;

    p->stage = STAGE_STUCK;
    say_cannot (s, m, stall_us, a);
    if (s->throttle_commanded_pct > 1 && s->throttle_commanded_pct != QMPMIG_UNKNOWN) {
        a->set |= QMPMIG_SET_THROTTLE;
        a->throttle_pct = 0;
    }
    set_downtime (s, (double)s->limits.max_downtime_us, a);
    if (s->may & QMPMIG_MAY_POSTCOPY)
        a->action = QMPMIG_ACTION_POSTCOPY;
    else if (s->limits.if_stuck == QMPMIG_STUCK_PAUSE_GUEST && is_new)
        a->action = QMPMIG_ACTION_PAUSE_GUEST;
    else if (s->limits.if_stuck == QMPMIG_STUCK_CANCEL)
        a->action = QMPMIG_ACTION_CANCEL;
    return 0;
}
