/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "orchestrator.h"

#include <stdio.h>
#include <string.h>

int
orchestrator_is_known (uint64_t value)
{
    return value != QMPMIG_UNKNOWN;
}

const struct orchestrator_key *
orchestrator_key_find (const struct orchestrator_key *keys, unsigned count, const char *key)
{
    for (unsigned i = 0; i < count; i++)
        if (!strcmp (key, keys[i].key))
            return &keys[i];
    return NULL;
}

int
orchestrator_fail (const struct qmpmig_context *context, const char *text)
{
    context->host->error (context, text);
    return -1;
}

int
orchestrator_clock_ticks (struct orchestrator_clock *clock, uint64_t now_us, uint64_t interval_us)
{
    if (now_us < clock->next_us)
        return 0;
    clock->next_us = now_us - now_us % interval_us + interval_us;
    return 1;
}

void
orchestrator_plan_init (struct qmpmig_plan *plan, const char *reason)
{
    plan->set = QMPMIG_PLAN_POSTCOPY | QMPMIG_PLAN_PREEMPT | QMPMIG_PLAN_THROTTLE |
                QMPMIG_PLAN_XBZRLE | QMPMIG_PLAN_MULTIFD;
    plan->postcopy = plan->preempt = 0;
    plan->throttle = QMPMIG_THROTTLE_NONE;
    plan->xbzrle_cache_bytes = plan->multifd_channels = 0;
    snprintf (plan->reason, sizeof plan->reason, "%s", reason);
}

void
orchestrator_plan_ramp (struct qmpmig_plan *plan)
{
    plan->set |= QMPMIG_PLAN_RAMP;
    plan->throttle = QMPMIG_THROTTLE_RAMP;
    plan->ramp_initial_pct = 20;
    plan->ramp_increment_pct = 10;
    plan->ramp_max_pct = 99;
    plan->ramp_tailslow = 0;
    plan->ramp_trigger_pct = 50;
}

int
orchestrator_plan_postcopy (struct qmpmig_plan *plan, const struct qmpmig_facts *facts)
{
    plan->postcopy = facts->can & QMPMIG_CAN_POSTCOPY && !facts->postcopy_blockers ? 1 : 0;
    return plan->postcopy == 1;
}

void
orchestrator_downtime_set (struct orchestrator_downtime *self, uint64_t limit_us, const char *why)
{
    self->due_us = limit_us;
    snprintf (self->why, sizeof self->why, "%s", why);
}

void
orchestrator_downtime_advise (struct orchestrator_downtime *self,
                              const struct qmpmig_sample *sample, struct qmpmig_advice *advice)
{
    if (!self->due_us || !(sample->may & QMPMIG_MAY_DOWNTIME))
        return;
    advice->set |= QMPMIG_SET_DOWNTIME;
    advice->downtime_limit_us = self->due_us;
    if (!advice->reason[0])
        strcpy (advice->reason, self->why);
    self->due_us = 0;
}

static const struct {
    uint64_t action, may, needs;
    const char *otherwise;
} ends[] = {
    { QMPMIG_ACTION_POSTCOPY, QMPMIG_MAY_POSTCOPY, QMPMIG_NEEDS_POSTCOPY,
      "would switch to postcopy, which is not armed" },
    { QMPMIG_ACTION_PAUSE_GUEST, QMPMIG_MAY_PAUSE_GUEST, QMPMIG_NEEDS_DOWNTIME,
      "would pause the guest, which --if-stuck pause-guest permits" },
    { QMPMIG_ACTION_CANCEL, QMPMIG_MAY_CANCEL, QMPMIG_NEEDS_TIME,
      "would give up, which --if-stuck cancel permits" },
};

int
orchestrator_end (const struct qmpmig_sample *sample, struct qmpmig_advice *advice, uint64_t action,
                  const char *why)
{
    for (unsigned i = 0; i < sizeof ends / sizeof *ends; i++) {
        if (ends[i].action != action)
            continue;
        if (sample->may & ends[i].may) {
            advice->action = action;
            snprintf (advice->reason, sizeof advice->reason, "%s", why);
            return 1;
        }
        advice->verdict = QMPMIG_VERDICT_CANNOT;
        advice->needs |= ends[i].needs;
        snprintf (advice->reason, sizeof advice->reason, "%s: it %s", why, ends[i].otherwise);
    }
    return 0;
}
