/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* The default policy: qmpmig-policy-auto(7). No throttle and a short downtime limit as long as
 * passes shrink. When they stop: whatever is cheapest for the guest of what is permitted and can
 * work, and what cannot work is said before anything is taken from the guest. */
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "auto-moves.h"

/* However much the next is expected to leave: after so many that left no less it is over. */
#define VAIN_PASSES 3
/* Each of these costs the guest more. */
#define VAIN_THROTTLED 2
/* After so many a forecast that it will end is not believed any more. */
#define HOPELESS_PASSES 9
/* Fewer points of the curve are a guess: no reason to throttle what would end. */
#define SURE_PASSES 2
#define SURE_POINTS 3
/* So much cheaper has a throttle to be then. */
#define WORTH_THROTTLE 1.2
/* A throttle that holds for so many passes without making them shrink does not work. */
#define THROTTLE_PASSES 4
/* It may cost so many times what was foreseen where nothing else can be done. */
#define LAST_WORTH 2

static void *
auto_open (const struct qmpmig_context *context)
{
    struct policy *p = calloc (1, sizeof *p);

    if (!p)
        return NULL;
    p->context = context;
    p->wants_deltas = 1;
    p->most_cache = (uint64_t)1 << 30;
    return p;
}

/* -- Decisions ----------------------------------------------------------------------------- */

/* Where passes stop to shrink: finish if that is permitted, else throttle if that can work. */
static int
act_on_stall (struct policy *p, const struct qmpmig_sample *s, const struct forecast_model *m,
              const struct way *free_run, struct qmpmig_advice *a)
{
    double stall_us = free_run->f.stall_us;
    struct way way;

    if (!(s->may & QMPMIG_MAY_THROTTLE_UP))
        return give_up (p, s, m, stall_us, a);
    way = find_throttle (p, s, m);
    if (!way.f.ends) /* a longer standstill would do, with the throttle */
        return give_up (p, s, m, fmin (stall_us, way.f.stall_us), a);
    return throttle (p, s, m, &way, REASON_THROTTLE, a);
}

/* What was foreseen does not come: then as long a standstill as a pass has to send, if that is
 * permitted. */
static struct way
without_faith (const struct qmpmig_sample *s, const struct forecast_model *m,
               const struct way *foreseen)
{
    struct way way = *foreseen;

    way.f.blackout_us =
        fmin (forecast_send_us (m, (double)s->remaining_at_sync_bytes), way.most_us);
    return way;
}

/* It ends by itself; where that takes long, or a long standstill, a short hard throttle may still
 * cost less. */
static int
end_freely (struct policy *p, const struct qmpmig_sample *s, const struct forecast_model *m,
            const struct way *free_run, struct qmpmig_advice *a)
{
    int with_deltas = m->page_cost < m->page_size / 2;
    struct way sober = without_faith (s, m, free_run);

    if ((s->may & QMPMIG_MAY_THROTTLE_UP) && p->passes >= SURE_PASSES && !deltas_are_open (p, s)) {
        struct way way = find_throttle (p, s, m);

        if (way.f.ends && price (&way.f) * WORTH_THROTTLE < price (&free_run->f))
            return throttle (p, s, m, &way, REASON_THROTTLE, a);
    }
    if (p->passes_in_vain >= VAIN_PASSES)
        return let_end (p, s, m, &sober, REASON_FINISH, "passes should have shrunk and did not", a);
    if (free_run->f.blackout_us > 2 * small_downtime_us (&s->limits))
        return let_end (p, s, m, free_run, REASON_FINISH, "further passes would hardly leave less",
                        a);
    return let_end (p, s, m, free_run, with_deltas ? REASON_DELTAS_HELP : REASON_ON_COURSE,
                    "passes shrink", a);
}

/* Where sampled pages tell already that passes will not shrink, waiting a whole pass for what
 * deltas bring costs more than a throttle in that pass, which is short if they help. */
static int
throttle_early (struct policy *p, const struct qmpmig_sample *s, const struct forecast_model *m,
                struct qmpmig_advice *a)
{
    struct way way;

    if (!(s->may & QMPMIG_MAY_THROTTLE_UP) || m->curve.points < SURE_POINTS)
        return 0;
    way = find_throttle (p, s, m);
    if (!way.f.ends)
        return 0;
    throttle (p, s, m, &way, REASON_THROTTLE, a);
    return 1;
}

/* Of what comes and goes nobody knows how long it lasts: so waiting for its end may cost a part of
 * what not waiting would, no more. */
static int
wait_out (struct policy *p, const struct qmpmig_sample *s, const struct forecast_model *m,
          struct qmpmig_advice *a)
{
    struct way way = find_throttle (p, s, m);

    p->in_burst = (p->in_burst || pauses (p)) &&
                  (p->is_quiet || (double)p->waited_us < worth_waiting_us (p, &way.f));
    if (!p->in_burst)
        return 0;
    on_course (s, &way.f, REASON_BURST,
               "a burst of writes: waiting for its end costs less than a throttle", a);
    return 1;
}

static int
decide_free (struct policy *p, const struct qmpmig_sample *s, const struct forecast_model *m,
             struct qmpmig_advice *a)
{
    struct way free_run = find_way (p, s, m, 0);
    struct forecast then;

    p->was_calm = free_run.f.ends;
    if (press (p, s, m, &free_run.f, a))
        return 0;
    if (free_run.f.ends && p->passes_in_vain < HOPELESS_PASSES) {
        p->in_burst = 0;
        return end_freely (p, s, m, &free_run, a);
    }
    if (wait_out (p, s, m, a))
        return 0;
    then = foresee_late (p, s, m, hard_throttle (s));
    if (free_run.f.next_bytes < FORECAST_SHRINKS * (double)s->remaining_at_sync_bytes &&
        p->passes_in_vain < VAIN_PASSES)
        return on_course (s, &then, REASON_SHRINKING, "passes shrink, but will not end", a);
    if (deltas_are_open (p, s) && throttle_early (p, s, m, a))
        return 0;
    then = foresee_either (p, s, m, &then);
    if (deltas_are_open (p, s))
        return on_course (s, &then, REASON_DELTAS_TRIED,
                          "passes do not shrink; whether deltas help shows in this pass", a);
    return act_on_stall (p, s, m, &free_run, a);
}

/* As hard as may be, if that can work. */
static int
throttle_harder (struct policy *p, const struct qmpmig_sample *s, const struct forecast_model *m,
                 struct qmpmig_advice *a)
{
    struct way hardest = find_way (p, s, m, (double)s->limits.max_throttle_pct / 100);
    struct way free_run = find_way (p, s, m, 0);

    if (hardest.f.ends && p->throttle_pct < s->limits.max_throttle_pct)
        return throttle (p, s, m, &hardest, REASON_THROTTLE, a);
    return give_up (p, s, m, free_run.f.stall_us, a);
}

static int
holds_in_vain (const struct policy *p, uint64_t passes, uint64_t in_vain)
{
    return p->passes_held >= passes && p->passes_in_vain >= in_vain;
}

/* It has cost what it was worth, and passes do not shrink. Where nothing else can be done more of
 * them are waited for; where the forecast promises more, no longer than that. */
static int
is_throttled_in_vain (const struct policy *p, const struct qmpmig_sample *s, const struct way *way)
{
    int is_last = !(s->may & QMPMIG_MAY_POSTCOPY) && s->limits.if_stuck == QMPMIG_STUCK_WAIT;
    uint64_t enough = way->f.ends || is_last ? HOPELESS_PASSES : VAIN_PASSES;

    return holds_in_vain (p, THROTTLE_PASSES, enough) &&
           s->throttle_integral_us >= (is_last ? LAST_WORTH : 1) * p->worth_us;
}

/* It ends at the first look that finds little enough. If it does not, the curve by now knows more
 * than it did. */
static int
decide_throttled (struct policy *p, const struct qmpmig_sample *s, const struct forecast_model *m,
                  struct qmpmig_advice *a)
{
    struct way way = find_way (p, s, m, (double)p->throttle_pct / 100);
    double left = time_left_us (s);

    if (!(way.f.ends && way.f.time_us < left) && switch_in_time (s, m, left, a))
        return 0;
    if (s->throttle_pct == p->throttle_pct && (s->why & QMPMIG_WHY_PASS))
        p->passes_held++;
    if (is_throttled_in_vain (p, s, &way))
        return throttle_harder (p, s, m, a);
    if (!holds_in_vain (p, VAIN_THROTTLED, VAIN_THROTTLED) || !settle (s, m, &way, a))
        permit (p, s, m, &way, a);
    return on_course (s, &way.f, REASON_THROTTLED, "throttled until little enough remains", a);
}

/* It was given up by a curve of few points, or over a link that others used. Each piece of news is
 * asked about once. */
static int
throttle_after_all (struct policy *p, const struct qmpmig_sample *s, const struct forecast_model *m,
                    struct qmpmig_advice *a)
{
    struct way way;

    if (!(s->may & QMPMIG_MAY_THROTTLE_UP) || !has_news (p, m))
        return 0;
    note_stuck (p, m);
    way = find_throttle (p, s, m);
    if (!way.f.ends)
        return 0;
    p->tries++;
    p->tried_pass = p->passes;
    throttle (p, s, m, &way, REASON_THROTTLE, a);
    return 1;
}

static int
decide_stuck (struct policy *p, const struct qmpmig_sample *s, const struct forecast_model *m,
              struct qmpmig_advice *a)
{
    struct way way = find_way (p, s, m, 0);

    if (way.f.ends)
        return let_end (p, s, m, &way, REASON_ON_COURSE, "passes shrink again", a);
    return throttle_after_all (p, s, m, a) ? 0 : give_up (p, s, m, way.f.stall_us, a);
}

/* Before anything can be foreseen, a deadline can only be missed. */
static int
decide_blind (const struct qmpmig_sample *s, struct qmpmig_advice *a)
{
    if (s->limits.deadline_left_us != 0)
        return 0;
    a->verdict = QMPMIG_VERDICT_CANNOT;
    a->needs = QMPMIG_NEEDS_TIME;
    say (a, REASON_STUCK, "the deadline has passed before memory was sent once");
    if (s->may & QMPMIG_MAY_POSTCOPY)
        a->action = QMPMIG_ACTION_POSTCOPY;
    else if (s->limits.if_stuck == QMPMIG_STUCK_CANCEL)
        a->action = QMPMIG_ACTION_CANCEL;
    return 0;
}

static int
auto_decide (void *handle, const struct qmpmig_sample *s, struct qmpmig_advice *a)
{
    struct policy *p = handle;
    struct forecast_model model;

    if (s->status != QMPMIG_STATUS_ACTIVE || s->guest_running != 1)
        return 0;
    note_count (p, s);
    if (s->first_pass_done != 1 || !forecast_model_init (&model, s))
        return decide_blind (s, a);
    note_pass (p, s);
    note_burst (p, s, &model);
    switch (p->stage) {
    case STAGE_FREE:
        return decide_free (p, s, &model, a);
    case STAGE_THROTTLED:
        return decide_throttled (p, s, &model, a);
    case STAGE_STUCK:
        return decide_stuck (p, s, &model, a);
    }
    return 0;
}

static void
auto_close (void *handle)
{
    free (handle);
}

QMPMIG_EXPORT const struct qmpmig_plugin qmpmig_plugin = {
    .size = sizeof (struct qmpmig_plugin),
    .abi = QMPMIG_ABI,
    .name = "auto",
    .version = "1",
    .description = "free while passes shrink; then what costs the guest least and can work",
    .config_help = "xbzrle=on  send deltas where they pay\n"
                   "xbzrle-max=1GiB  largest cache for them\n",
    .open = auto_open,
    .config = auto_config,
    .plan = auto_plan,
    .decide = auto_decide,
    .close = auto_close,
};
