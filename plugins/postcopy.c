/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* postcopy: lets some passes go by, so that most of memory is there, and then switches the guest to
 * the destination; qmpmig-postcopy-policy(7). */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "qmpmig-plugin.h"

struct postcopy {
    const struct qmpmig_context *context;
    uint64_t passes;
};

static void *
postcopy_open (const struct qmpmig_context *context)
{
    struct postcopy *self = calloc (1, sizeof *self);

    if (self)
        *self = (struct postcopy){ context, 1 };
    return self;
}

static int
postcopy_config (void *handle, const char *key, const char *value)
{
    struct postcopy *self = handle;

    return self->context->host->parse_uint (self->context, key, value, &self->passes);
}

static const char *
why_not (uint64_t blockers)
{
    if (blockers & QMPMIG_BLOCKER_OPERATOR)
        return "postcopy is forbidden by --postcopy never";
    if (blockers & QMPMIG_BLOCKER_TRANSPORT)
        return "postcopy needs a way back, which this transport has not";
    if (blockers & QMPMIG_BLOCKER_METHOD)
        return "something that was chosen excludes postcopy";
    if (blockers & QMPMIG_BLOCKER_DESTINATION)
        return "the destination does not take postcopy";
    return "these two ends cannot do postcopy";
}

static int
postcopy_plan (void *handle, const struct qmpmig_facts *facts, struct qmpmig_plan *plan)
{
    struct postcopy *self = handle;

    if (!(facts->can & QMPMIG_CAN_POSTCOPY) || facts->postcopy_blockers) {
        self->context->host->error (self->context, why_not (facts->postcopy_blockers));
        return -1;
    }
    plan->set = QMPMIG_PLAN_POSTCOPY | QMPMIG_PLAN_PREEMPT | QMPMIG_PLAN_THROTTLE;
    plan->postcopy = 1;
    plan->preempt = facts->can & QMPMIG_CAN_PREEMPT ? 1 : 0;
    plan->throttle = QMPMIG_THROTTLE_NONE;
    snprintf (plan->reason, sizeof plan->reason, "postcopy after %u passes",
              (unsigned)self->passes);
    return 0;
}

static int
postcopy_decide (void *handle, const struct qmpmig_sample *sample, struct qmpmig_advice *advice)
{
    struct postcopy *self = handle;

    if (!(sample->may & QMPMIG_MAY_POSTCOPY) || sample->passes == QMPMIG_UNKNOWN ||
        sample->passes < self->passes)
        return 0;
    advice->action = QMPMIG_ACTION_POSTCOPY;
    snprintf (advice->reason, sizeof advice->reason, "%u passes are done",
              (unsigned)sample->passes);
    return 0;
}

const struct qmpmig_plugin qmpmig_plugin = {
    .size = sizeof (struct qmpmig_plugin),
    .abi = QMPMIG_ABI,
    .name = "postcopy",
    .version = "1",
    .description = "switches to postcopy after some passes",
    .config_help = "passes=1  so many passes first; 0: at once",
    .open = postcopy_open,
    .config = postcopy_config,
    .plan = postcopy_plan,
    .decide = postcopy_decide,
    .close = free,
};
