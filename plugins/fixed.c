/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* fixed: turns each knob once, and then lets the migration run. The smallest policy that does
 * something; qmpmig-fixed-policy(7). */
#include <stdlib.h>
#include <string.h>

#include "qmpmig-plugin.h"

struct fixed {
    const struct qmpmig_context *context;
    uint64_t todo; /* QMPMIG_SET_, of what was asked for and is not done */
    uint64_t throttle_pct, downtime_us, rate_bytes_per_s;
};

static void *
fixed_open (const struct qmpmig_context *context)
{
    struct fixed *self = calloc (1, sizeof *self);

    if (self)
        self->context = context;
    return self;
}

static int
fixed_config (void *handle, const char *key, const char *value)
{
    struct fixed *self = handle;
    const struct qmpmig_host *host = self->context->host;

    if (!strcmp (key, "throttle")) {
        self->todo |= QMPMIG_SET_THROTTLE;
        return host->parse_percent (self->context, key, value, &self->throttle_pct);
    }
    if (!strcmp (key, "downtime")) {
        self->todo |= QMPMIG_SET_DOWNTIME;
        return host->parse_time (self->context, key, value, &self->downtime_us);
    }
    self->todo |= QMPMIG_SET_BANDWIDTH;
    return host->parse_rate (self->context, key, value, &self->rate_bytes_per_s);
}

static int
fixed_config_complete (void *handle)
{
    struct fixed *self = handle;

    if (self->todo)
        return 0;
    self->context->host->error (self->context,
                                "nothing to set: give it throttle=, downtime= or rate=");
    return -1;
}

static int
fixed_plan (void *handle, const struct qmpmig_facts *facts, struct qmpmig_plan *plan)
{
    struct fixed *self = handle;

    (void)facts;
    if (self->todo & QMPMIG_SET_DOWNTIME)
        plan->set |= QMPMIG_PLAN_DOWNTIME;
    if (self->todo & QMPMIG_SET_BANDWIDTH)
        plan->set |= QMPMIG_PLAN_BANDWIDTH;
    plan->set |= QMPMIG_PLAN_THROTTLE;
    plan->throttle = self->throttle_pct ? QMPMIG_THROTTLE_STEERED : QMPMIG_THROTTLE_NONE;
    plan->downtime_limit_us = self->downtime_us;
    plan->bandwidth_bytes_per_s = self->rate_bytes_per_s;
    self->todo &= ~(uint64_t)(QMPMIG_SET_DOWNTIME | QMPMIG_SET_BANDWIDTH);
    strcpy (plan->reason, "as configured");
    return 0;
}

static uint64_t
settable (uint64_t may)
{
    return (may & QMPMIG_MAY_THROTTLE_UP ? QMPMIG_SET_THROTTLE : 0) |
           (may & QMPMIG_MAY_DOWNTIME ? QMPMIG_SET_DOWNTIME : 0) |
           (may & QMPMIG_MAY_BANDWIDTH ? QMPMIG_SET_BANDWIDTH : 0);
}

static int
fixed_decide (void *handle, const struct qmpmig_sample *sample, struct qmpmig_advice *advice)
{
    struct fixed *self = handle;

    advice->set = self->todo & settable (sample->may);
    advice->throttle_pct = self->throttle_pct;
    advice->downtime_limit_us = self->downtime_us;
    advice->bandwidth_bytes_per_s = self->rate_bytes_per_s;
    if (advice->set)
        strcpy (advice->reason, "as configured");
    self->todo &= ~advice->set;
    return 0;
}

const struct qmpmig_plugin qmpmig_plugin = {
    .size = sizeof (struct qmpmig_plugin),
    .abi = QMPMIG_ABI,
    .name = "fixed",
    .version = "1",
    .description = "sets throttle, downtime limit and rate once",
    .config_help = "throttle=0  how much of the guest's time to take\n"
                   "downtime=  QEMU's downtime limit\n"
                   "rate=  how fast memory is sent, or unlimited",
    .open = fixed_open,
    .config = fixed_config,
    .config_complete = fixed_config_complete,
    .plan = fixed_plan,
    .decide = fixed_decide,
    .close = free,
};
