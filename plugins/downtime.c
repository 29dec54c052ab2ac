/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* downtime: begins with a small downtime limit and raises it in equal steps, each after some
 * passes, up to --max-downtime; qmpmig-downtime-policy(7). What OpenStack and oVirt do by the
 * clock. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "qmpmig-plugin.h"

struct downtime {
    const struct qmpmig_context *context;
    uint64_t first_us, steps, passes;
};

static void *
downtime_open (const struct qmpmig_context *context)
{
    struct downtime *self = calloc (1, sizeof *self);

    if (self)
        *self = (struct downtime){ context, 30000, 10, 2 };
    return self;
}

static int
downtime_config (void *handle, const char *key, const char *value)
{
    struct downtime *self = handle;
    const struct qmpmig_host *host = self->context->host;

    if (!strcmp (key, "first"))
        return host->parse_time (self->context, key, value, &self->first_us);
    if (!strcmp (key, "steps"))
        return host->parse_uint (self->context, key, value, &self->steps);
    return host->parse_uint (self->context, key, value, &self->passes);
}

static int
downtime_config_complete (void *handle)
{
    struct downtime *self = handle;

    if (self->steps && self->passes)
        return 0;
    self->context->host->error (self->context, "steps and passes are at least 1");
    return -1;
}

/* Due after so many passes. */
static uint64_t
downtime_after (const struct downtime *self, uint64_t passes, uint64_t max_us)
{
    uint64_t step = passes / self->passes;

    if (step >= self->steps || self->first_us >= max_us)
        return max_us;
    return self->first_us + (max_us - self->first_us) / self->steps * step;
}

static int
downtime_plan (void *handle, const struct qmpmig_facts *facts, struct qmpmig_plan *plan)
{
    plan->set = QMPMIG_PLAN_DOWNTIME | QMPMIG_PLAN_THROTTLE;
    plan->downtime_limit_us = downtime_after (handle, 0, facts->limits.max_downtime_us);
    plan->throttle = QMPMIG_THROTTLE_NONE;
    strcpy (plan->reason, "small at first");
    return 0;
}

static int
downtime_decide (void *handle, const struct qmpmig_sample *sample, struct qmpmig_advice *advice)
{
    struct downtime *self = handle;
    uint64_t max_us = sample->limits.max_downtime_us;
    uint64_t due_us = downtime_after (self, sample->passes, max_us);

    if (!(sample->may & QMPMIG_MAY_DOWNTIME) || sample->passes == QMPMIG_UNKNOWN)
        return 0;
    if (sample->downtime_limit_us == due_us)
        return 0;
    advice->set = QMPMIG_SET_DOWNTIME;
    advice->downtime_limit_us = due_us;
    snprintf (advice->reason, sizeof advice->reason, "%u passes have not been enough",
              (unsigned)sample->passes);
    if (sample->passes == 0)
        strcpy (advice->reason, "small at first");
    return 0;
}

const struct qmpmig_plugin qmpmig_plugin = {
    .size = sizeof (struct qmpmig_plugin),
    .abi = QMPMIG_ABI,
    .name = "downtime",
    .version = "1",
    .description = "raises the downtime limit step by step",
    .config_help = "first=30ms  the limit at the start\n"
                   "steps=10  so many equal steps up to --max-downtime\n"
                   "passes=2  a step after so many passes",
    .open = downtime_open,
    .config = downtime_config,
    .config_complete = downtime_config_complete,
    .plan = downtime_plan,
    .decide = downtime_decide,
    .close = free,
};
