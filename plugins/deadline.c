/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* deadline: as long as the migration will end in time by itself, it is left alone. If not, the
 * permitted downtime is spent first, as it costs the guest nothing before the end; then the guest
 * is throttled, at the last moment at which the hardest permitted throttle still suffices (hard and
 * short costs it least), and eased as soon as less will do. qmpmig-deadline-policy(7). */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "qmpmig-plugin.h"

#define NEVER        1e30
#define MAX_PASSES   64
#define EASE_PCT     10 /* each change takes QEMU seconds: not for less */
#define EASE_SECONDS 2
#define IDLE         3 /* passes that do not shrink, until a forecast that they would is not believed */

struct deadline {
    const struct qmpmig_context *context;
    uint64_t first_downtime_us, margin_us;
    uint64_t left_bytes;  /* by the last pass */
    uint64_t idle_passes; /* so many have not shrunk, one after the other */
    int throttling;
};

static void *
deadline_open (const struct qmpmig_context *context)
{
    struct deadline *self = calloc (1, sizeof *self);

    if (self)
        *self = (struct deadline){ context, 30000, 2000000, QMPMIG_UNKNOWN, 0, 0 };
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

/* What the guest dirties in so much of its own time. Beyond the curve's end it goes on as there. */
static double
dirtied_in (const struct qmpmig_sample *sample, double seconds)
{
    double time = 0, bytes = 0, slope = (double)sample->dirty_bytes_per_s;

    for (int i = 0; i < QMPMIG_CURVE_POINTS && sample->curve.time_us[i] != QMPMIG_UNKNOWN; i++) {
        double next_time = (double)sample->curve.time_us[i] / 1e6;
        double next_bytes = (double)sample->curve.bytes[i];

        if (next_time > time)
            slope = (next_bytes - bytes) / (next_time - time);
        if (seconds <= next_time)
            break;
        time = next_time;
        bytes = next_bytes;
    }
    bytes += slope * (seconds - time);
    return bytes < (double)sample->total_bytes ? bytes : (double)sample->total_bytes;
}

struct course {
    double ran,
        runs;     /* share of its time that the guest has: until the throttle takes hold, then */
    double until; /* seconds */
};

/* A throttle takes hold at QEMU's second look at the dirty pages, at least a second after the
 * other: it looks at the end of a pass, and newer QEMUs every 5 s too. That more throttle comes
 * late has to be counted on, that less does must not be. */
static struct course
course_at (const struct qmpmig_sample *sample, uint64_t throttle_pct)
{
    uint64_t now_pct = sample->throttle_pct <= 100 ? sample->throttle_pct : 0;
    uint64_t at_sync = sample->remaining_at_sync_bytes;
    double look = (double)(at_sync == QMPMIG_UNKNOWN ? sample->remaining_bytes : at_sync) /
                  (double)sample->link_bytes_per_s;
    struct course course = { 1 - (double)now_pct / 100, 1 - (double)throttle_pct / 100, 0 };

    look = look < 1 ? 1 : look > 5 ? 5 : look;
    if (throttle_pct > now_pct)
        course.until = throttle_pct == sample->throttle_commanded_pct ? look : 2 * look;
    return course;
}

/* How long the guest itself runs in the next so many seconds. */
static double
run_for (struct course *course, double seconds)
{
    double before = seconds < course->until ? seconds : course->until;

    course->until -= before;
    return before * course->ran + (seconds - before) * course->runs;
}

/* Until what is left fits into DOWNTIME_US, at that throttle. What was dirtied since the last sync
 * shows at the next one. */
static double
time_to_end (const struct qmpmig_sample *sample, uint64_t throttle_pct, uint64_t downtime_us)
{
    struct course course = course_at (sample, throttle_pct);
    double rate = (double)sample->link_bytes_per_s;
    double switchover = sample->switchover_us == QMPMIG_UNKNOWN ? 0 : (double)sample->switchover_us;
    double fits = ((double)downtime_us - switchover) / 1e6 * rate;
    double pass = (double)sample->remaining_bytes / rate, total = pass;
    double left = dirtied_in (sample, (double)sample->since_sync_us / 1e6 * course.ran +
                                          run_for (&course, pass));

    for (int i = 0; i < MAX_PASSES; i++) {
        if (left <= fits)
            return total + left / rate;
        pass = left / rate;
        total += pass;
        left = dirtied_in (sample, run_for (&course, pass));
    }
    return NEVER;
}

/* The smallest throttle that ends in time; the hardest one if none does. */
static uint64_t
least_throttle (const struct qmpmig_sample *sample, double seconds)
{
    uint64_t max_pct = sample->limits.max_throttle_pct;

    for (uint64_t pct = 0; pct < max_pct; pct++)
        if (time_to_end (sample, pct, sample->limits.max_downtime_us) <= seconds)
            return pct;
    return max_pct;
}

/* --- what to do about it --------------------------------------------------------------------- */

/* No forecast before the first pass is done: what is dirty by then is all of memory. */
static int
is_known (const struct qmpmig_sample *sample)
{
    return sample->link_bytes_per_s != QMPMIG_UNKNOWN && sample->link_bytes_per_s > 0 &&
           sample->remaining_bytes != QMPMIG_UNKNOWN && sample->since_sync_us != QMPMIG_UNKNOWN &&
           sample->first_pass_done == 1 && sample->downtime_limit_us != QMPMIG_UNKNOWN &&
           (sample->curve.time_us[0] != QMPMIG_UNKNOWN ||
            sample->dirty_bytes_per_s != QMPMIG_UNKNOWN);
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
may_ease (const struct qmpmig_sample *sample, uint64_t from_pct, uint64_t to_pct)
{
    return to_pct + EASE_PCT <= from_pct &&
           time_to_end (sample, from_pct, sample->limits.max_downtime_us) > EASE_SECONDS;
}

static void
throttle (const struct qmpmig_sample *sample, struct qmpmig_advice *advice, uint64_t pct)
{
    uint64_t now_pct = sample->throttle_commanded_pct;

    if (now_pct == QMPMIG_UNKNOWN)
        now_pct = 0;
    if (pct == now_pct || (pct < now_pct && !may_ease (sample, now_pct, pct)) ||
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

    if (!(sample->why & QMPMIG_WHY_PASS))
        return;
    self->idle_passes = left >= self->left_bytes / 10 * 9 ? self->idle_passes + 1 : 0;
    self->left_bytes = left;
}

/* Where not even the hardest throttle would ever do, no guest time is spent on it. */
static void
steer (struct deadline *self, const struct qmpmig_sample *sample, double time_left,
       struct qmpmig_advice *advice)
{
    uint64_t max_us = sample->limits.max_downtime_us;
    uint64_t max_pct = sample->limits.max_throttle_pct;
    int is_spent = sample->downtime_limit_us == max_us && self->idle_passes >= IDLE;
    double by_itself = is_spent ? NEVER : time_to_end (sample, 0, max_us);
    double hardest = time_to_end (sample, max_pct, max_us);

    spend_downtime (sample, advice);
    foresee (sample, advice, by_itself <= time_left ? by_itself : hardest);
    if (hardest < NEVER && by_itself > time_left && hardest >= time_left)
        self->throttling = 1;
    if (self->throttling)
        throttle (sample, advice, hardest < NEVER ? least_throttle (sample, time_left) : 0);
}

static int
deadline_decide (void *handle, const struct qmpmig_sample *sample, struct qmpmig_advice *advice)
{
    struct deadline *self = handle;
    uint64_t left_us = sample->limits.deadline_left_us;
    double time_left, as_it_is;

    if (left_us == QMPMIG_UNKNOWN)
        return fail_without_deadline (self);
    if (!is_known (sample))
        return 0;
    count_idle_passes (self, sample);
    time_left = left_us > self->margin_us ? (double)(left_us - self->margin_us) / 1e6 : 0;
    as_it_is = time_to_end (sample, 0, sample->downtime_limit_us);
    if (!self->throttling && as_it_is <= time_left && self->idle_passes < IDLE)
        foresee (sample, advice, as_it_is);
    else
        steer (self, sample, time_left, advice);
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
