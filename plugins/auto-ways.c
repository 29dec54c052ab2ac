/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* The ways that the policy `auto` can go on, where each leads, and what it costs. */
#include <math.h>
#include <string.h>

#include "auto-moves.h"

/* Shorter standstills are not striven for: nobody notices, and each pass finds something. */
#define SHORTEST_US (15 * MS)
/* As short with a throttle is about what a guest writes in one slice. */
#define SHORTEST_THROTTLED_US (30 * MS)
#define LONGER                1.4 /* each that is considered than the one before */
/* What a shorter one may add to the total time. */
#define WORTH_TIME 0.04
/* A second of standstill is as bad as so many seconds of work, one of migration as so much of one.
 */
#define STANDSTILL_PRICE 2.0
#define TIME_PRICE       0.2
/* Of a page, where a delta helps at all; it would help in the pass after so many. */
#define DELTA_SIZE   0.1
#define TRIED_PASSES 2
/* Of what acting costs, for waiting. In 240 simulated moves of guests that write in bursts this
 * spared nearly all of the lost work where they last a second or two, and cost little where they
 * are longer; with 1 the long ones cost more than the short ones gain. */
#define PATIENCE 0.25
/* Of a guest that was seen to pause: once is chance. */
#define KNOWN_PATIENCE 1.0
#define SEEN_TO_PAUSE  2
/* Of the longest permitted standstill, for the throttle's sleeps; the rest is for the blackout,
 * which may follow on one. */
#define STALL_SHARE 0.4
/* Beside the hardest that leaves room for a blackout: the longer a sleep, the later QEMU looks. */
static const double milder[] = { 0.8, 0.9 };
/* QEMU throttles by letting a vCPU run so long and sleep the rest. */
#define THROTTLE_SLICE_US (10 * MS)
/* QEMU acts on what is commanded at a look at the dirty pages, and counts only those so far apart.
 */
#define COUNTED_US (1 * S)

static double
known (uint64_t value)
{
    return value == QMPMIG_UNKNOWN ? 0 : (double)value;
}

double
small_downtime_us (const struct qmpmig_limits *limits)
{
    return fmin ((double)limits->max_downtime_us, SHORTEST_US);
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
        .looks_in_passes = p->context->qemu_major * 100 + p->context->qemu_minor >= 902,
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

double
shortest_us (const struct qmpmig_sample *s, double throttle)
{
    return fmin (throttle > 0 ? SHORTEST_THROTTLED_US : SHORTEST_US, allowed_us (s, throttle));
}

struct way
find_way (const struct policy *p, const struct qmpmig_sample *s, const struct forecast_model *m,
          double throttle)
{
    double most_us = allowed_us (s, throttle);
    struct way longest = try_way (p, s, m, throttle, most_us), best = longest;
    double worth_us = total_us (&longest) + WORTH_TIME * (total_us (&longest) + known (s->now_us));

    if (!longest.f.ends)
        return longest;
    for (double stop_us = shortest_us (s, throttle); stop_us < most_us; stop_us *= LONGER) {
        struct way way = try_way (p, s, m, throttle, stop_us);

        if (total_us (&way) <= worth_us && price (&way.f) < price (&best.f))
            best = way;
    }
    return best;
}

struct way
find_throttle (const struct policy *p, const struct qmpmig_sample *s,
               const struct forecast_model *m)
{
    double share = hard_throttle (s), most = (double)s->limits.max_throttle_pct / 100;
    struct way best = find_way (p, s, m, share), hardest;

    for (unsigned i = 0; i < sizeof milder / sizeof milder[0]; i++)
        if (milder[i] < share) {
            struct way way = find_way (p, s, m, milder[i]);

            if (way.f.ends && (!best.f.ends || price (&way.f) < price (&best.f)))
                best = way;
        }
    if (most <= share || (best.f.ends && share >= milder[0]))
        return best;
    hardest = find_way (p, s, m, most);
    if (best.f.ends && (!hardest.f.ends || price (&hardest.f) >= price (&best.f)))
        return best;
    return hardest;
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

struct forecast
foresee_either (const struct policy *p, const struct qmpmig_sample *s,
                const struct forecast_model *m, const struct forecast *f)
{
    struct forecast_model helped = *m;
    struct forecast with, either = *f;

    if (p->passes < TRIED_PASSES || !deltas_are_open (p, s))
        return either;
    helped.page_cost = helped.page_size * DELTA_SIZE;
    with = find_way (p, s, &helped, 0).f;
    if (!with.ends)
        return either;
    either.time_us = (f->time_us + with.time_us) / 2;
    either.lost_us = (f->lost_us + with.lost_us) / 2;
    return either;
}

double
price (const struct forecast *f)
{
    return (STANDSTILL_PRICE * f->blackout_us + f->lost_us + TIME_PRICE * f->time_us) / S;
}

int
pauses (const struct policy *p)
{
    return p->quiet_looks >= SEEN_TO_PAUSE;
}

double
worth_waiting_us (const struct policy *p, const struct forecast *f)
{
    double patience = pauses (p) ? KNOWN_PATIENCE : PATIENCE;
    double standstill_us = f->ends ? f->blackout_us : f->stall_us;

    return patience * (STANDSTILL_PRICE * standstill_us + f->lost_us) / TIME_PRICE;
}
