/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* incus: Incus's rule: half of the guest's time is taken as soon as a fifth of what was sent is
 * dirtied again, and nothing is turned from then on; qmpmig-incus-policy(7). */
#include <stdlib.h>

#include "idle.h"
#include "orchestrator.h"

static void *
incus_open (const struct qmpmig_context *context)
{
    (void)context;
    return malloc (1);
}

/* What Incus does not set has QEMU's default. */
static int
incus_plan (void *handle, const struct qmpmig_facts *facts, struct qmpmig_plan *plan)
{
    (void)handle;
    (void)facts;
    orchestrator_plan_init (plan, "as Incus does");
    orchestrator_plan_ramp (plan);
    plan->ramp_initial_pct = 50;
    plan->ramp_trigger_pct = 20;
    plan->set |= QMPMIG_PLAN_DOWNTIME | QMPMIG_PLAN_BANDWIDTH;
    plan->downtime_limit_us = 300000;
    plan->bandwidth_bytes_per_s = 128 << 20;
    return 0;
}

const struct qmpmig_plugin qmpmig_plugin = {
    .size = sizeof (struct qmpmig_plugin),
    .abi = QMPMIG_ABI,
    .name = "incus",
    .version = "1",
    .description = "Incus's rule: QEMU's auto-converge, from 50 % and early",
    .open = incus_open,
    .plan = incus_plan,
    .decide = idle_decide,
    .close = free,
};
