/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "auto-moves.h"

#include <math.h>
#include <stdarg.h>
#include <stdio.h>

/* A limit that differs less is left: each change costs QEMU's main loop a moment. */
#define SAME_LIMIT 0.1
/* Of a page: more than this on average is from pages that were found unchanged, or is chance. */
#define SMALL_DELTA 0.25
/* What is found may be so much more than foreseen. */
#define NEARLY 1.25
/* A look that is so long ago has just been. */
#define FRESH_US (100 * MS)
/* Two of our looks: what remains at one says nothing of where a shorter pass is. */
#define UNSEEN_US (200 * MS)
/* Of what the last look found: all of it, as much again, and what may be more of that. */
#define UNSENT_AND_FOUND 2.4
/* Until QEMU has heard of one. */
#define COMMAND_US (20 * MS)

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

/* QEMU counts what is left in whole pages, whatever deltas of them take: in these the link is
 * faster. No faster than that the permitted blackout is kept if no delta helps with the last of
 * them. */
static uint64_t
link_in_pages (const struct qmpmig_sample *s, const struct forecast_model *m, uint64_t limit_us)
{
    double spare = allowed_us (s, 0) / (double)limit_us;

    if (m->page_cost > m->page_size * SMALL_DELTA)
        return s->link_bytes_per_s;
    return (uint64_t)(m->link * fmax (fmin (m->page_size / fmax (m->page_cost, 1), spare), 1));
}

static void
set_downtime (const struct qmpmig_sample *s, const struct forecast_model *m, double us,
              struct qmpmig_advice *a)
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
        a->switchover_bandwidth_bytes_per_s = link_in_pages (s, m, limit);
    }
}

/* Within the last tenth of a second. */
static int
has_just_looked (const struct qmpmig_sample *s)
{
    return known (s->since_sync_us) < FRESH_US;
}

/* QEMU ends it then at the end of a pass that nobody has seen. */
static int
is_unseen (const struct policy *p, const struct qmpmig_sample *s, const struct forecast_model *m)
{
    return p->passes_in_vain > 0 &&
           forecast_send_us (m, (double)s->remaining_at_sync_bytes) < UNSEEN_US;
}

void
permit (const struct policy *p, const struct qmpmig_sample *s, const struct forecast_model *m,
        const struct way *way, struct qmpmig_advice *a)
{
    double running = 1 - known (s->throttle_pct) / 100;
    double written = curve_bytes (&m->curve, running * (known (s->since_sync_us) + COMMAND_US));
    double now_us = forecast_send_us (m, (double)s->remaining_bytes + written);

    double shortest = shortest_us (s, way->throttle), limit = shortest;

    double wanted_us = way->f.ends ? fmax (way->f.blackout_us, shortest) : way->stop_us;

    /* In the middle of a pass waiting for its end leaves less. */
    if (has_just_looked (s))
        wanted_us = wanted_us * NEARLY + COMMAND_US;
    if (now_us <= fmin (wanted_us, way->most_us))
        limit = fmax (fmin (now_us * NEARLY, way->most_us), shortest);
    if (way->throttle <= 0 && way->f.ends && is_unseen (p, s, m))
        limit = fmax (fmin (way->f.blackout_us * NEARLY, way->most_us), limit);
    set_downtime (s, m, limit, a);
}

int
settle (const struct qmpmig_sample *s, const struct forecast_model *m, const struct way *way,
        struct qmpmig_advice *a)
{
    double us = UNSENT_AND_FOUND * (double)s->remaining_at_sync_bytes * S / m->link;

    if (us > way->most_us)
        return 0;
    set_downtime (s, m, us, a);
    return 1;
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
    permit (p, s, m, way, a);
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
    struct forecast expected;

    p->stage = STAGE_THROTTLED;
    p->throttle_pct = (uint64_t)lround (100 * way->throttle);
    p->passes_held = p->passes_in_vain = p->least_bytes = 0;
    p->worth_us = s->throttle_integral_us + (uint64_t)f->lost_us;
    a->set |= QMPMIG_SET_THROTTLE;
    a->throttle_pct = p->throttle_pct;
    permit (p, s, m, way, a);
    expected = foresee_either (p, s, m, f);
    tell_forecast (s, &expected, a);
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

/* The hardest throttle that can be had. */
static double
most_throttle (const struct qmpmig_sample *s)
{
    return s->may & QMPMIG_MAY_THROTTLE_UP ? (double)s->limits.max_throttle_pct
                                           : known (s->throttle_pct);
}

static void
say_cannot (const struct qmpmig_sample *s, const struct forecast_model *m, double stall_us,
            struct qmpmig_advice *a)
{
    double allowed = (double)s->limits.max_downtime_us;
    double needed = stall_us + (double)s->switchover_us;
    double most = most_throttle (s) / 100;
    char throttle_words[32] = "no throttle";

    if (most > 0)
        snprintf (throttle_words, sizeof throttle_words, "throttle %.0f %%", 100 * most);
    a->verdict = QMPMIG_VERDICT_CANNOT;
    a->needs = QMPMIG_NEEDS_DOWNTIME | QMPMIG_NEEDS_BANDWIDTH | QMPMIG_NEEDS_POSTCOPY;
    a->needed_downtime_us = (uint64_t)needed;
    a->needed_bandwidth_bytes_per_s =
        (uint64_t)forecast_needed_link (m, most, allowed_us (s, most));
    a->needed_throttle_pct = s->workable_throttle_pct;
    say (a, REASON_CANNOT,
         "needs %.1f s of downtime, postcopy, or %s%.0f Mbit/s; allowed: %.0f ms, %s", needed / S,
         curve_was_open (&m->curve) ? "" : "more than ",
         (double)a->needed_bandwidth_bytes_per_s * 8 / 1e6, allowed / MS, throttle_words);
}

int
give_up (struct policy *p, const struct qmpmig_sample *s, const struct forecast_model *m,
         double stall_us, struct qmpmig_advice *a)
{
    int is_new = p->stage != STAGE_STUCK;

    p->stage = STAGE_STUCK;
    if (is_new)
        note_stuck (p, m);
    say_cannot (s, m, stall_us, a);
    if (s->throttle_commanded_pct > 1 && s->throttle_commanded_pct != QMPMIG_UNKNOWN) {
        a->set |= QMPMIG_SET_THROTTLE;
        a->throttle_pct = 0;
    }
    set_downtime (s, m, (double)s->limits.max_downtime_us, a);
    if (s->may & QMPMIG_MAY_POSTCOPY)
        a->action = QMPMIG_ACTION_POSTCOPY;
    else if (s->limits.if_stuck == QMPMIG_STUCK_PAUSE_GUEST && is_new)
        a->action = QMPMIG_ACTION_PAUSE_GUEST;
    else if (s->limits.if_stuck == QMPMIG_STUCK_CANCEL)
        a->action = QMPMIG_ACTION_CANCEL;
    return 0;
}
