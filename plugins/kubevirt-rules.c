/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include <math.h>

#include "kubevirt.h"

#define POLL_US     400000
#define GB          1e9
#define STEPS       7
#define STEP_SYNCS  3
#define STEP_GAP_US 10000000
#define POSSIBLE    1.5 /* so much above the largest downtime passes for it */
#define FACTOR      2   /* of the timeout, once a switchover has been begun */

/* --- by the clock ---------------------------------------------------------------------------- */

/* For each billion bytes, a part of one counting as a whole one. */
static uint64_t
acceptable_us (const struct kubevirt *self, const struct qmpmig_sample *sample)
{
    uint64_t ram = self->context->ram_bytes;

    if (!orchestrator_is_known (ram))
        ram = orchestrator_is_known (sample->total_bytes) ? sample->total_bytes : 0;
    return self->timeout_s * (uint64_t)fmax (ceil ((double)ram / GB), 1) * 1000000;
}

static int
is_without_progress (struct kubevirt *self, const struct qmpmig_sample *sample)
{
    uint64_t before = self->remaining_bytes;

    self->remaining_bytes = sample->remaining_bytes;
    if (!orchestrator_is_known (before) || before == 0 || sample->remaining_bytes < before)
        self->progressed_at_us = sample->now_us;
    return self->progress_us && sample->now_us - self->progressed_at_us > self->progress_us;
}

static void
set_downtime (struct kubevirt *self, double us, const char *why)
{
    orchestrator_downtime_set (&self->downtime,
                               us < KUBEVIRT_HARD_US ? (uint64_t)us : KUBEVIRT_HARD_US, why);
}

static void
give_up (struct kubevirt *self, const struct qmpmig_sample *sample, struct qmpmig_advice *advice,
         const char *why)
{
    self->over = 1;
    orchestrator_end (sample, advice, QMPMIG_ACTION_CANCEL, why);
}

static void
disrupt (struct kubevirt *self, const struct qmpmig_sample *sample, struct qmpmig_advice *advice)
{
    const char *why = "the completion timeout is over";

    if (self->post_copy && !self->has_vfio) {
        self->over = orchestrator_end (sample, advice, QMPMIG_ACTION_POSTCOPY, why);
        return;
    }
    self->paused = 1;
    if (self->post_copy)
        set_downtime (self, 2.0 * (double)self->acceptable_us, why);
    else
        orchestrator_end (sample, advice, QMPMIG_ACTION_PAUSE_GUEST, why);
    self->acceptable_us *= FACTOR;
}

static void
watch_timeouts (struct kubevirt *self, const struct qmpmig_sample *sample,
                struct qmpmig_advice *advice)
{
    int idle = is_without_progress (self, sample);
    int late = sample->now_us > self->acceptable_us;

    if (self->disruption && late && !self->paused)
        disrupt (self, sample, advice);
    else if (idle)
        give_up (self, sample, advice, "there was no progress until the progress timeout");
    else if (late)
        give_up (self, sample, advice, "the completion timeout is over");
}

/* --- steps of the downtime limit ------------------------------------------------------------- */

static void
step (struct kubevirt *self, const struct qmpmig_sample *sample)
{
    uint64_t most_ms = self->downtime_us / 1000, first_ms = KUBEVIRT_FIRST_STEP_US / 1000;
    uint64_t add_ms = most_ms > first_ms + STEPS ? (most_ms - first_ms) / STEPS : 1;
    uint64_t next_us = self->limit_us ? self->limit_us + add_ms * 1000 : KUBEVIRT_FIRST_STEP_US;

    if (self->limit_us &&
        (sample->syncs < STEP_SYNCS || sample->now_us - self->stepped_at_us < STEP_GAP_US ||
         self->limit_us >= self->downtime_us || self->paused))
        return;
    self->limit_us = next_us < self->downtime_us || !self->limit_us ? next_us : self->downtime_us;
    self->stepped_at_us = sample->now_us;
    set_downtime (self, (double)self->limit_us, "a step of the downtime");
}

/* --- the stall detector ---------------------------------------------------------------------- */

static void
begin_switchover (struct kubevirt *self, const struct qmpmig_sample *sample, uint64_t limit_us,
                  const char *why)
{
    self->until_us = sample->now_us + self->switchover_us;
    set_downtime (self, (double)limit_us, why);
}

static int
is_completable (const struct kubevirt *self, const struct qmpmig_sample *sample, double needed_us)
{
    return needed_us <= FACTOR * (double)self->acceptable_us - (double)sample->now_us;
}

static void
detect (struct kubevirt *self, const struct qmpmig_sample *sample, struct qmpmig_advice *advice)
{
    const char *why = "passes have stopped shrinking, and this one is as short as they get";
    double needed_us, most_us = (double)self->downtime_us * POSSIBLE;

    if (!stall_take_pass (&self->stall, sample->now_us, sample->remaining_bytes))
        return;
    needed_us = stall_downtime_us (&self->stall, sample->remaining_bytes);
    if (!is_completable (self, sample, needed_us))
        return;
    if (self->disruption && self->post_copy && !self->has_vfio)
        self->over = orchestrator_end (sample, advice, QMPMIG_ACTION_POSTCOPY, why);
    else if (self->disruption)
        begin_switchover (self, sample, KUBEVIRT_HARD_US, why);
    else if (needed_us <= most_us)
        begin_switchover (self, sample, self->downtime_us, why);
    else
        give_up (self, sample, advice, "passes have stopped shrinking, too far from the downtime");
}

static void
hit_timeout (struct kubevirt *self, const struct qmpmig_sample *sample,
             struct qmpmig_advice *advice)
{
    const char *why = "the completion timeout is over";
    double needed_us = self->stall.bandwidth_bytes_per_s > 0
                           ? stall_downtime_us (&self->stall, sample->remaining_bytes)
                           : INFINITY;
    int completable = !self->until_us && is_completable (self, sample, needed_us);

    if (completable && self->disruption && self->post_copy && !self->has_vfio) {
        self->over = orchestrator_end (sample, advice, QMPMIG_ACTION_POSTCOPY, why);
    } else if (completable && self->disruption) {
        begin_switchover (self, sample, KUBEVIRT_HARD_US, why);
        self->acceptable_us *= FACTOR;
    } else {
        give_up (self, sample, advice, why);
    }
}

static void
watch_stall (struct kubevirt *self, const struct qmpmig_sample *sample,
             struct qmpmig_advice *advice)
{
    stall_take_bandwidth (&self->stall, sample->bandwidth_bytes_per_s);
    if (sample->now_us > (self->until_us ? self->until_us : self->acceptable_us))
        hit_timeout (self, sample, advice);
}

/* --------------------------------------------------------------------------------------------- */

static void
look (struct kubevirt *self, const struct qmpmig_sample *sample, struct qmpmig_advice *advice)
{
    if (!self->acceptable_us) {
        self->acceptable_us = acceptable_us (self, sample);
        if (self->detects && !self->tunes)
            set_downtime (self,
                          KUBEVIRT_STALL_US < self->downtime_us ? KUBEVIRT_STALL_US
                                                                : (double)self->downtime_us,
                          "at first");
    }
    if (self->detects)
        watch_stall (self, sample, advice);
    else
        watch_timeouts (self, sample, advice);
    if (self->tunes && !self->until_us)
        step (self, sample);
}

int
kubevirt_decide (void *handle, const struct qmpmig_sample *sample, struct qmpmig_advice *advice)
{
    struct kubevirt *self = handle;
    int is_pass = orchestrator_is_known (sample->syncs) && sample->syncs > self->syncs;

    if (!orchestrator_is_known (sample->remaining_bytes) || self->over)
        return 0;
    if (orchestrator_clock_ticks (&self->clock, sample->now_us, POLL_US))
        look (self, sample, advice);
    if (is_pass)
        self->syncs = sample->syncs;
    if (is_pass && self->detects && !self->until_us && !self->over)
        detect (self, sample, advice);
    orchestrator_downtime_advise (&self->downtime, sample, advice);
    return 0;
}
