/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* deadline: as long as the migration will end in time by itself, it is left alone. If not, the
 * permitted downtime is spent first, as it costs the guest nothing before the end; then the guest
 * is throttled, at the last moment at which the hardest permitted throttle still suffices (hard and
 * short costs it least), and eased as soon as less will do. qmpmig-deadline-policy(7). */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "forecast.h"

#define NEVER        1e30
#define MAX_PASSES   64
#define EASE_PCT     10 /* each change takes QEMU seconds: not for less */
#define EASE_SECONDS 2
#define IDLE         3 /* passes that do not shrink, until a forecast that they would is not believed */

struct deadline {
    const struct qmpmig_context *context;
    uint64_t first_downtime_us, margin_us;
    uint64_t left_bytes;  /* by the last pass */
    uint64_t idle_passes; /* so many have not shrunk, one after the other, at that throttle */
    uint64_t idle_at_pct;
    int needs_throttle; /* with all of the downtime passes have been seen not to shrink */
    int throttling;
};

static void *
deadline_open (const struct qmpmig_context *context)
{
    struct deadline *self = calloc (1, sizeof *self);

    if (self)
        *self = (struct deadline){ context, 30000, 2000000, QMPMIG_UNKNOWN, 0, 0, 0, 0 };
    return self;
}

static int
deadline_config (void *handle, const char *key, const char *value)
{
    struct deadline *self = handle;
    const struct qmpmig_host *host = self->context->host;

    if (!strcmp (key, "first"))
        return host->parse_time (self->context, key, value, &self->first_downtime_us);
    return host->parse_time (self->context, key, value, &self->margin_us);
}

static int
fail_without_deadline (const struct deadline *self)
{
    self->context->host->error (self->context, "no --deadline is set, which is what it works for");
    return -1;
}

static int
deadline_plan (void *handle, const struct qmpmig_facts *facts, struct qmpmig_plan *plan)
{
    struct deadline *self = handle;

    if (facts->limits.deadline_left_us == QMPMIG_UNKNOWN)
        return fail_without_deadline (self);
    plan->set = QMPMIG_PLAN_DOWNTIME;
    plan->downtime_limit_us = self->first_downtime_us;
    if (facts->can & QMPMIG_CAN_THROTTLE) {
        plan->set |= QMPMIG_PLAN_THROTTLE;
        plan->throttle = QMPMIG_THROTTLE_STEERED;
    }
    strcpy (plan->reason, "no more than the deadline needs");
    return 0;
}

/* --- forecast, in seconds and bytes ---------------------------------------------------------- */

struct view {
    const struct qmpmig_sample *sample;
    struct forecast_model model;
};

/* A throttle takes hold at QEMU's second look at the dirty pages that is at least a second after
 * the one before: it looks at the end of a pass, and newer QEMUs every 5 s too. That more throttle
 * comes late has to be counted on, that less does must not be. Often the first look was taken in
 * advance. */
static double
seconds_until_in_force (const struct view *view, uint64_t now_pct, uint64_t throttle_pct)
{
    const struct qmpmig_sample *sample = view->sample;
    double look = forecast_send_us (&view->model, (double)sample->remaining_at_sync_bytes) / 1e6;

    if (throttle_pct <= now_pct)
        return 0;
    look = look < 1 ? 1 + look : look > 5 ? 5 : look;
    return throttle_pct == sample->throttle_commanded_pct ? look : 1.5 * look;
}

/* Until what is left fits into DOWNTIME_US, at that throttle, and is sent. */
static double
time_to_end (const struct view *view, uint64_t throttle_pct, uint64_t downtime_us)
{
    const struct qmpmig_sample *sample = view->sample;
    uint64_t now_pct = sample->throttle_pct <= 100 ? sample->throttle_pct : 0;
    uint64_t fixed_us = sample->switchover_us == QMPMIG_UNKNOWN ? 0 : sample->switchover_us;
    struct forecast_case which = {
        .remaining_bytes = (double)sample->remaining_bytes,
        .pass_bytes = (double)sample->remaining_at_sync_bytes,
        .throttle_now = (double)now_pct / 100,
        .throttle = (double)throttle_pct / 100,
        .lag_us = seconds_until_in_force (view, now_pct, throttle_pct) * 1e6,
        .stop_us = (double)downtime_us - (double)fixed_us,
    };
    struct forecast course = forecast_run (&view->model, &which);

    return course.ends ? (course.time_us + course.blackout_us) / 1e6 : NEVER;
}

/* The smallest throttle that ends in time; the hardest one if none does. */
static uint64_t
least_throttle (const struct view *view, double seconds)
{
    const struct qmpmig_limits *limits = &view->sample->limits;
    uint64_t max_pct = limits->max_throttle_pct;

    for (uint64_t pct = 0; pct < max_pct; pct++)
        if (time_to_end (view, pct, limits->max_downtime_us) <= seconds)
            return pct;
    return max_pct;
}

/* --- what to do about it --------------------------------------------------------------------- */

/* No forecast before the first pass is done: what is dirty by then is all of memory. */
static int
view_init (struct view *view, const struct qmpmig_sample *sample)
{
    view->sample = sample;
    return sample->first_pass_done == 1 && sample->remaining_bytes != QMPMIG_UNKNOWN &&
           sample->downtime_limit_us != QMPMIG_UNKNOWN &&
           forecast_model_init (&view->model, sample);
}

static void
foresee (const struct qmpmig_sample *sample, struct qmpmig_advice *advice, double seconds)
{
    int in_time = seconds <= (double)sample->limits.deadline_left_us / 1e6;

    advice->verdict = in_time ? QMPMIG_VERDICT_ON_COURSE : QMPMIG_VERDICT_CANNOT;
    if (seconds < NEVER)
        advice->remaining_us = (uint64_t)(seconds * 1e6);
    if (!in_time)
        advice->needs =
            seconds < NEVER ? QMPMIG_NEEDS_TIME : QMPMIG_NEEDS_DOWNTIME | QMPMIG_NEEDS_POSTCOPY;
}

static void
spend_downtime (const struct qmpmig_sample *sample, struct qmpmig_advice *advice)
{
    uint64_t max_us = sample->limits.max_downtime_us;

    if (!(sample->may & QMPMIG_MAY_DOWNTIME) || sample->downtime_limit_us == max_us)
        return;
    advice->set |= QMPMIG_SET_DOWNTIME;
    advice->downtime_limit_us = max_us;
    strcpy (advice->reason, "the permitted downtime is needed to end in time");
}

/* To ease it right before the end would be too late to matter. */
static int
may_ease (const struct view *view, uint64_t from_pct, uint64_t to_pct)
{
    uint64_t max_us = view->sample->limits.max_downtime_us;

    return to_pct + EASE_PCT <= from_pct && view->sample->throttle_pct == from_pct &&
           time_to_end (view, from_pct, max_us) > EASE_SECONDS;
}

static void
throttle (const struct view *view, struct qmpmig_advice *advice, uint64_t pct)
{
    const struct qmpmig_sample *sample = view->sample;
    uint64_t now_pct = sample->throttle_commanded_pct;

    if (now_pct == QMPMIG_UNKNOWN)
        now_pct = 0;
    if (pct == now_pct || (pct < now_pct && !may_ease (view, now_pct, pct)) ||
        !(sample->may & (pct > now_pct ? QMPMIG_MAY_THROTTLE_UP : QMPMIG_MAY_THROTTLE_DOWN)))
        return;
    advice->set |= QMPMIG_SET_THROTTLE;
    advice->throttle_pct = pct;
    snprintf (advice->reason, sizeof advice->reason,
              pct > now_pct ? "with less throttle it would end too late"
                            : "less throttle is enough to end in time");
}

/* What was seen counts more than what was foreseen. */
static void
count_idle_passes (struct deadline *self, const struct qmpmig_sample *sample)
{
    uint64_t left = sample->remaining_bytes;

    if (sample->throttle_pct != self->idle_at_pct)
        self->idle_passes = 0;
    self->idle_at_pct = sample->throttle_pct;
    if (!(sample->why & QMPMIG_WHY_PASS) || left == QMPMIG_UNKNOWN)
        return;
    self->idle_passes = left >= self->left_bytes / 10 * 9 ? self->idle_passes + 1 : 0;
    self->left_bytes = left;
    if (self->idle_passes >= IDLE && !self->throttling &&
        sample->downtime_limit_us == sample->limits.max_downtime_us)
        self->needs_throttle = 1;
}

/* One that would never do is taken back only when passes have been seen not to shrink under it. */
static uint64_t
due_throttle (const struct deadline *self, const struct view *view, double hardest,
              double time_left)
{
    const struct qmpmig_sample *sample = view->sample;
    uint64_t now_pct = sample->throttle_commanded_pct;
    uint64_t least_pct = least_throttle (view, time_left);

    if (hardest == NEVER)
        return self->idle_passes >= IDLE && sample->throttle_pct == now_pct ? 0 : now_pct;
    return least_pct == 0 && self->needs_throttle ? now_pct : least_pct;
}

/* Where not even the hardest throttle will ever do, no guest time is spent on it. */
static void
steer (struct deadline *self, const struct view *view, double time_left,
       struct qmpmig_advice *advice)
{
    const struct qmpmig_sample *sample = view->sample;
    uint64_t max_us = sample->limits.max_downtime_us;
    double by_itself = self->needs_throttle ? NEVER : time_to_end (view, 0, max_us);
    double hardest = time_to_end (view, sample->limits.max_throttle_pct, max_us);

    spend_downtime (sample, advice);
    foresee (sample, advice, by_itself <= time_left ? by_itself : hardest);
    if (hardest < NEVER && by_itself > time_left && hardest >= time_left)
        self->throttling = 1;
    if (self->throttling)
        throttle (view, advice, due_throttle (self, view, hardest, time_left));
}

static int
deadline_decide (void *handle, const struct qmpmig_sample *sample, struct qmpmig_advice *advice)
{
    struct deadline *self = handle;
    uint64_t left_us = sample->limits.deadline_left_us;
    double time_left, as_it_is;
    struct view view;

    if (left_us == QMPMIG_UNKNOWN)
        return fail_without_deadline (self);
    count_idle_passes (self, sample);
    if (!view_init (&view, sample))
        return 0;
    time_left = left_us > self->margin_us ? (double)(left_us - self->margin_us) / 1e6 : 0;
    as_it_is = time_to_end (&view, 0, sample->downtime_limit_us);
    if (!self->throttling && as_it_is <= time_left && self->idle_passes < IDLE)
        foresee (sample, advice, as_it_is);
    else
        steer (self, &view, time_left, advice);
    return 0;
}

const struct qmpmig_plugin qmpmig_plugin = {
    .size = sizeof (struct qmpmig_plugin),
    .abi = QMPMIG_ABI,
    .name = "deadline",
    .version = "1",
    .description = "throttles no earlier and no harder than the deadline needs",
    .config_help = "first=30ms  the downtime limit as long as that is enough\n"
                   "margin=2s  aim at so much before the deadline",
    .open = deadline_open,
    .config = deadline_config,
    .plan = deadline_plan,
    .decide = deadline_decide,
    .close = free,
};
