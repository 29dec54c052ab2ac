/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* throttle: QEMU's own auto-converge, with its numbers; qmpmig-throttle-policy(7). QEMU does it
 * all: this only arms it. */
#include <stdlib.h>
#include <string.h>

#include "idle.h"

struct throttle {
    const struct qmpmig_context *context;
    uint64_t initial_pct, increment_pct, max_pct, tailslow, trigger_pct;
};

static void *
throttle_open (const struct qmpmig_context *context)
{
    struct throttle *self;

    if (context->kind == QMPMIG_KIND_FOREIGN || context->kind == QMPMIG_KIND_LIBVIRT) {
        context->host->error (context, "this migration runs already, and QEMU's ramp can be armed "
                                       "only before the start");
        return NULL;
    }
    self = calloc (1, sizeof *self);
    if (!self)
        return NULL;
    *self = (struct throttle){ context, 20, 10, QMPMIG_UNKNOWN, 0, 50 };
    return self;
}

static int
throttle_config (void *handle, const char *key, const char *value)
{
    struct throttle *self = handle;
    const struct qmpmig_context *context = self->context;
    const struct qmpmig_host *host = context->host;

    if (!strcmp (key, "initial"))
        return host->parse_percent (context, key, value, &self->initial_pct);
    if (!strcmp (key, "increment"))
        return host->parse_percent (context, key, value, &self->increment_pct);
    if (!strcmp (key, "max"))
        return host->parse_percent (context, key, value, &self->max_pct);
    if (!strcmp (key, "tailslow"))
        return host->parse_bool (context, key, value, &self->tailslow);
    return host->parse_percent (context, key, value, &self->trigger_pct);
}

/* As QEMU will have them; its own words would come too late. */
static int
throttle_config_complete (void *handle)
{
    struct throttle *self = handle;
    const char *wrong = NULL;

    if (self->initial_pct < 1 || self->initial_pct > 99)
        wrong = "initial is not between 1 and 99";
    else if (self->increment_pct < 1 || self->increment_pct > 99)
        wrong = "increment is not between 1 and 99";
    else if (self->trigger_pct < 1)
        wrong = "trigger is not between 1 and 100";
    else if (self->max_pct != QMPMIG_UNKNOWN && self->max_pct > 99)
        wrong = "max is above 99";
    else if (self->max_pct < self->initial_pct)
        wrong = "max is below initial";
    if (wrong)
        self->context->host->error (self->context, wrong);
    return wrong ? -1 : 0;
}

static int
throttle_plan (void *handle, const struct qmpmig_facts *facts, struct qmpmig_plan *plan)
{
    struct throttle *self = handle;
    uint64_t max_pct = facts->limits.max_throttle_pct;

    if (max_pct > self->max_pct)
        max_pct = self->max_pct;
    if (max_pct > 99)
        max_pct = 99;
    plan->set = QMPMIG_PLAN_THROTTLE | QMPMIG_PLAN_RAMP;
    plan->throttle = QMPMIG_THROTTLE_RAMP;
    plan->ramp_initial_pct = self->initial_pct < max_pct ? self->initial_pct : max_pct;
    plan->ramp_increment_pct = self->increment_pct;
    plan->ramp_max_pct = max_pct;
    plan->ramp_tailslow = self->tailslow;
    plan->ramp_trigger_pct = self->trigger_pct;
    strcpy (plan->reason, "QEMU's own ramp");
    return 0;
}

const struct qmpmig_plugin qmpmig_plugin = {
    .size = sizeof (struct qmpmig_plugin),
    .abi = QMPMIG_ABI,
    .name = "throttle",
    .version = "1",
    .description = "QEMU's own auto-converge: a throttle that grows in steps",
    .config_help = "initial=20  the first throttle\n"
                   "increment=10  how much each step adds\n"
                   "max=99  the last throttle, at most --max-throttle\n"
                   "tailslow=off  smaller steps towards the end\n"
                   "trigger=50  throttle when so much of what was sent is dirtied again",
    .open = throttle_open,
    .config = throttle_config,
    .config_complete = throttle_config_complete,
    .plan = throttle_plan,
    .decide = idle_decide,
    .close = free,
};
