/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* classic: the three rules of the first papers on migration with KVM; qmpmig-classic-policy(7).
 * Stop the guest and copy the rest when a pass leaves a handful of pages, when a pass dirties more
 * than it sent, or when there were many; hold writers back meanwhile. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "qmpmig-plugin.h"

struct classic {
    const struct qmpmig_context *context;
    uint64_t pages, passes, throttle_pct;
    uint64_t left_bytes; /* by the last pass; unknown in the first */
    char why[128];       /* it is time to stop; empty: not yet */
};

static void *
classic_open (const struct qmpmig_context *context)
{
    struct classic *self = calloc (1, sizeof *self);

    if (self)
        *self = (struct classic){ context, 50, 30, 20, QMPMIG_UNKNOWN, "" };
    return self;
}

static int
classic_config (void *handle, const char *key, const char *value)
{
    struct classic *self = handle;
    const struct qmpmig_host *host = self->context->host;

    if (!strcmp (key, "pages"))
        return host->parse_uint (self->context, key, value, &self->pages);
    if (!strcmp (key, "passes"))
        return host->parse_uint (self->context, key, value, &self->passes);
    return host->parse_percent (self->context, key, value, &self->throttle_pct);
}

/* QEMU stops by itself when what is left fits into its downtime limit: not before our rules say so.
 */
static int
classic_plan (void *handle, const struct qmpmig_facts *facts, struct qmpmig_plan *plan)
{
    struct classic *self = handle;

    (void)facts;
    plan->set = QMPMIG_PLAN_DOWNTIME | QMPMIG_PLAN_THROTTLE;
    plan->downtime_limit_us = 1000;
    plan->throttle = self->throttle_pct ? QMPMIG_THROTTLE_STEERED : QMPMIG_THROTTLE_NONE;
    strcpy (plan->reason, "the rules decide when to stop");
    return 0;
}

/* A pass deals with what the one before has left: more left than that is more dirtied than sent. */
static void
judge_pass (struct classic *self, const struct qmpmig_sample *sample)
{
    uint64_t left = sample->remaining_bytes;

    if (left / sample->page_size_bytes <= self->pages)
        snprintf (self->why, sizeof self->why, "%u pages are left",
                  (unsigned)(left / sample->page_size_bytes));
    else if (self->left_bytes != QMPMIG_UNKNOWN && left > self->left_bytes)
        strcpy (self->why, "a pass has dirtied more than it sent");
    else if (sample->passes >= self->passes)
        snprintf (self->why, sizeof self->why, "%u passes are done", (unsigned)sample->passes);
    self->left_bytes = left;
}

static void
stop_and_copy (const struct classic *self, const struct qmpmig_sample *sample,
               struct qmpmig_advice *advice)
{
    uint64_t max_us = sample->limits.max_downtime_us;

    strcpy (advice->reason, self->why);
    if (sample->downtime_if_stopped_us != QMPMIG_UNKNOWN && sample->downtime_if_stopped_us > max_us)
        advice->action =
            sample->may & QMPMIG_MAY_PAUSE_GUEST ? QMPMIG_ACTION_PAUSE_GUEST : QMPMIG_ACTION_NONE;
    if (sample->may & QMPMIG_MAY_DOWNTIME && sample->downtime_limit_us != max_us) {
        advice->set |= QMPMIG_SET_DOWNTIME;
        advice->downtime_limit_us = max_us;
    }
    advice->verdict = QMPMIG_VERDICT_ON_COURSE;
    if (sample->downtime_if_stopped_us == QMPMIG_UNKNOWN || advice->action ||
        sample->downtime_if_stopped_us <= max_us)
        return;
    advice->verdict = QMPMIG_VERDICT_CANNOT;
    advice->needs = QMPMIG_NEEDS_DOWNTIME;
    advice->needed_downtime_us = sample->downtime_if_stopped_us;
}

static int
classic_decide (void *handle, const struct qmpmig_sample *sample, struct qmpmig_advice *advice)
{
    struct classic *self = handle;

    if (sample->why & QMPMIG_WHY_PASS && !self->why[0] && sample->page_size_bytes &&
        sample->page_size_bytes != QMPMIG_UNKNOWN && sample->remaining_bytes != QMPMIG_UNKNOWN)
        judge_pass (self, sample);
    if (self->why[0]) {
        stop_and_copy (self, sample, advice);
    } else if (self->throttle_pct && sample->passes > 0 &&
               sample->throttle_commanded_pct != self->throttle_pct &&
               sample->may & QMPMIG_MAY_THROTTLE_UP) {
        advice->set = QMPMIG_SET_THROTTLE;
        advice->throttle_pct = self->throttle_pct;
        strcpy (advice->reason, "writers are held back");
    }
    return 0;
}

const struct qmpmig_plugin qmpmig_plugin = {
    .size = sizeof (struct qmpmig_plugin),
    .abi = QMPMIG_ABI,
    .name = "classic",
    .version = "1",
    .description = "stop and copy, by the three rules of the first papers",
    .config_help = "pages=50  stop when a pass leaves at most so many pages\n"
                   "passes=30  stop after so many passes\n"
                   "throttle=20  hold writers back by so much, after the first pass",
    .open = classic_open,
    .config = classic_config,
    .plan = classic_plan,
    .decide = classic_decide,
    .close = free,
};
