/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "auto-moves.h"

#include <inttypes.h>
#include <math.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

/* Shorter standstills are not striven for: nobody notices, and each pass finds something. */
#define SHORTEST_US (15 * MS)
/* As short with a throttle is about what a guest writes in one slice. */
#define SHORTEST_THROTTLED_US (30 * MS)
#define LONGER                1.4 /* each that is considered than the one before */
/* What a shorter one may add to the total time. */
#define WORTH_TIME 0.03
/* A second of standstill is as bad as so many seconds of work, one of migration as so much of one.
 */
#define STANDSTILL_PRICE 2.0
#define TIME_PRICE       0.2
/* Of the longest permitted standstill, for the throttle's sleeps; the rest is for the blackout,
 * which may follow on one. */
#define STALL_SHARE 0.4
/* A limit that differs less is left: each change costs QEMU's main loop a moment. */
#define SAME_LIMIT 0.1
/* What is found may be so much more than foreseen. */
#define NEARLY 1.2
/* Until QEMU has heard of one. */
#define COMMAND_US (20 * MS)
/* QEMU throttles by letting a vCPU run so long and sleep the rest. */
#define THROTTLE_SLICE_US (10 * MS)
/* QEMU acts on what is commanded at a look at the dirty pages, and counts only those so far apart.
 */
#define COUNTED_US (1 * S)

double
small_downtime_us (const struct qmpmig_limits *limits)
{
    return fmin ((double)limits->max_downtime_us, SHORTEST_US);
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
known (uint64_t value)
{
    return value == QMPMIG_UNKNOWN ? 0 : (double)value;
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
                 fmin (downtime, SHORTEST_US));
}

double
hard_throttle (const struct qmpmig_sample *s)
{
    double stall = STALL_SHARE * (double)s->limits.max_stall_us;

    return fmin (floor (100 * stall / (stall + THROTTLE_SLICE_US)),
                 (double)s->limits.max_throttle_pct) /
           100;
}

/* The throttle is primed: it holds from the next look that counts on. */
static double
lag_us (const struct policy *p, const struct qmpmig_sample *s)
{
    double since_us = known (s->now_us) - known (p->counted_us);

    return fmax (COUNTED_US - since_us, 1);
}

static int
is_in_force (const struct qmpmig_sample *s, double throttle)
{
    return s->throttle_pct != QMPMIG_UNKNOWN &&
           s->throttle_pct >= (uint64_t)lround (100 * throttle);
}

/* Without KVM a look waits until the vCPU's sleep is over: half of one on average. */
static struct forecast_case
case_of (const struct policy *p, const struct qmpmig_sample *s, double throttle, double stop_us)
{
    return (struct forecast_case){
        .remaining_bytes = (double)s->remaining_bytes,
        .pass_bytes = (double)s->remaining_at_sync_bytes,
        .throttle_now = known (s->throttle_pct) / 100,
        .throttle = throttle,
        .lag_us = throttle > 0 && !is_in_force (s, throttle) ? lag_us (p, s) : 0,
        .look_us = strcmp (p->context->accelerator, "tcg") == 0 ? sleep_us (throttle) / 2 : 0,
        .stop_us = stop_us,
    };
}

static struct way
try_way (const struct policy *p, const struct qmpmig_sample *s, const struct forecast_model *m,
         double throttle, double stop_us)
{
    struct forecast_case c = case_of (p, s, throttle, stop_us);

    return (struct way){ throttle, stop_us, allowed_us (s, throttle), forecast_run (m, &c) };
}

static double
total_us (const struct way *way)
{
    return way->f.ends ? way->f.time_us + way->f.blackout_us : HUGE_VAL;
}

static double
shortest_us (const struct qmpmig_sample *s, double throttle)
{
    return fmin (throttle > 0 ? SHORTEST_THROTTLED_US : SHORTEST_US, allowed_us (s, throttle));
}

struct way
find_way (const struct policy *p, const struct qmpmig_sample *s, const struct forecast_model *m,
          double throttle)
{
    double most_us = allowed_us (s, throttle), shortest = shortest_us (s, throttle);
    struct way longest = try_way (p, s, m, throttle, most_us), way = longest;
    double worth_us = total_us (&longest) * (1 + WORTH_TIME) + WORTH_TIME * known (s->now_us);

    for (double stop_us = shortest; longest.f.ends && stop_us < most_us; stop_us *= LONGER) {
        way = try_way (p, s, m, throttle, stop_us);
        if (total_us (&way) <= worth_us)
            return way;
    }
    return longest;
}

struct forecast
foresee_late (const struct policy *p, const struct qmpmig_sample *s, const struct forecast_model *m,
              double throttle)
{
    struct forecast_case c = case_of (p, s, throttle, small_downtime_us (&s->limits));

    c.after_stall = 1;
    c.throttled_stop_us = shortest_us (s, throttle);
    return forecast_run (m, &c);
}

double
price (const struct forecast *f)
{
    return (STANDSTILL_PRICE * f->blackout_us + f->lost_us + TIME_PRICE * f->time_us) / S;
}

static void
tell_forecast (const struct qmpmig_sample *s, const struct forecast *f, struct qmpmig_advice *a)
{
    double fixed = (double)s->switchover_us, left_us = f->time_us + f->blackout_us;

    a->remaining_us = (uint64_t)(left_us + fixed);
    a->remaining_p90_us = (uint64_t)(left_us * 1.15 + 2 * fixed);
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

void
permit (const struct qmpmig_sample *s, const struct forecast_model *m, const struct way *way,
        struct qmpmig_advice *a)
{
    double running = 1 - known (s->throttle_pct) / 100;
    double written = curve_bytes (&m->curve, running * (known (s->since_sync_us) + COMMAND_US));
    double now_us = forecast_send_us (m, (double)s->remaining_bytes + written);

    double shortest = shortest_us (s, way->throttle), limit = shortest;

    if (now_us <= fmin (way->stop_us * NEARLY, way->most_us))
        limit = fmax (fmin (now_us * NEARLY, way->most_us), shortest);
    set_downtime (s, limit, a);
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
let_end (struct policy *p, const struct qmpmig_sample *s, const struct forecast_model *m,
         const struct way *way, enum reason code, const char *words, struct qmpmig_advice *a)
{
    p->stage = STAGE_FREE;
    permit (s, m, way, a);
    on_course (s, &way->f, code, words, a);
    if (code == REASON_FINISH)
        say (a, code, "%s: the guest may stand still for %.0f ms", words, way->stop_us / MS);
    return 0;
}

int
throttle (struct policy *p, const struct qmpmig_sample *s, const struct forecast_model *m,
          const struct way *way, enum reason code, struct qmpmig_advice *a)
{
    const struct forecast *f = &way->f;

    p->stage = STAGE_THROTTLED;
    p->throttle_pct = (uint64_t)lround (100 * way->throttle);
    p->passes_held = 0;
    a->set |= QMPMIG_SET_THROTTLE;
    a->throttle_pct = p->throttle_pct;
    permit (s, m, way, a);
    tell_forecast (s, f, a);
    a->verdict = QMPMIG_VERDICT_ON_COURSE;
    if (code == REASON_DEADLINE)
        say (a, code, "%.1f s are left to the deadline, and it takes %.1f s: throttle %.0f %%",
             (double)s->limits.deadline_left_us / S, f->time_us / S, 100 * way->throttle);
    else
        say (a, code,
             "passes do not shrink: throttle %.0f %%, hard and short, about %.1f s of guest time",
             100 * way->throttle, (f->lost_us + f->blackout_us) / S);
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
