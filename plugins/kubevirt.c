/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* kubevirt: KubeVirt's rules: a timeout by the guest's size, after which the guest is switched to
 * postcopy, paused, or the migration aborted; optionally its stall detector and its steps of the
 * downtime limit; qmpmig-kubevirt-policy(7). */
#include <stdlib.h>
#include <string.h>

#include "kubevirt.h"

#define CHANNELS 8

static void *
kubevirt_open (const struct qmpmig_context *context)
{
    struct kubevirt *self = calloc (1, sizeof *self);

    if (!self)
        return NULL;
    self->context = context;
    self->timeout_s = 150;
    self->progress_us = 150000000;
    self->downtime_us = 900000;
    self->switchover_us = 60000000;
    self->stall.margin_pct = 4;
    self->stall.window_us = 40000000;
    self->stall.before_bytes = QMPMIG_UNKNOWN;
    self->remaining_bytes = QMPMIG_UNKNOWN;
    return self;
}

/* --- options --------------------------------------------------------------------------------- */

static int
kubevirt_config (void *handle, const char *key, const char *value)
{
    struct kubevirt *self = handle;
    const struct qmpmig_host *host = self->context->host;
    const struct orchestrator_key keys[] = {
        { "completion-timeout", host->parse_uint, &self->timeout_s },
        { "progress-timeout", host->parse_time, &self->progress_us },
        { "downtime", host->parse_time, &self->downtime_us },
        { "allow-auto-converge", host->parse_bool, &self->converge },
        { "allow-post-copy", host->parse_bool, &self->post_copy },
        { "allow-workload-disruption", host->parse_bool, &self->disruption },
        { "downtime-tuning", host->parse_bool, &self->tunes },
        { "stall-detection", host->parse_bool, &self->detects },
        { "stall-margin", host->parse_percent, &self->stall.margin_pct },
        { "stall-progress-timeout", host->parse_time, &self->stall.window_us },
        { "switchover-timeout", host->parse_time, &self->switchover_us },
    };
    const struct orchestrator_key *found =
        orchestrator_key_find (keys, sizeof keys / sizeof *keys, key);

    if (!strcmp (key, "allow-workload-disruption"))
        self->has_disruption = 1;
    return found ? found->parse (self->context, key, value, found->to) : -1;
}

static int
kubevirt_config_complete (void *handle)
{
    struct kubevirt *self = handle;
    const char *wrong = NULL;

    if (!self->has_disruption)
        self->disruption = self->post_copy;
    if (self->timeout_s < 1 || self->timeout_s > 86400)
        wrong = "completion-timeout is not between 1 and 86400 s for a GB";
    else if (self->downtime_us < 1000 || self->downtime_us > KUBEVIRT_HARD_US)
        wrong = "downtime is not between 1ms and 2000s";
    if (wrong)
        self->context->host->error (self->context, wrong);
    return wrong ? -1 : 0;
}

static int
kubevirt_plan (void *handle, const struct qmpmig_facts *facts, struct qmpmig_plan *plan)
{
    struct kubevirt *self = handle;

    orchestrator_plan_init (plan, "as KubeVirt does");
    plan->set |= QMPMIG_PLAN_DOWNTIME;
    plan->downtime_limit_us = KUBEVIRT_STALL_US < self->downtime_us || !self->detects
                                  ? KUBEVIRT_STALL_US
                                  : self->downtime_us;
    if (self->tunes)
        plan->downtime_limit_us = KUBEVIRT_FIRST_STEP_US;
    if (self->converge)
        orchestrator_plan_ramp (plan);
    if (self->post_copy)
        self->post_copy = orchestrator_plan_postcopy (plan, facts) ? 1 : 0;
    if (!self->post_copy && facts->can & QMPMIG_CAN_MULTIFD)
        plan->multifd_channels = CHANNELS;
    self->has_vfio = facts->unthrottled_writers & QMPMIG_WRITER_VFIO ? 1 : 0;
    return 0;
}

const struct qmpmig_plugin qmpmig_plugin = {
    .size = sizeof (struct qmpmig_plugin),
    .abi = QMPMIG_ABI,
    .name = "kubevirt",
    .version = "1",
    .description = "KubeVirt's rules: a timeout by the guest's size, a stall detector",
    .config_help = "completion-timeout=150  seconds, for each GB\n"
                   "progress-timeout=150s  without any progress; 0s: never\n"
                   "downtime=900ms  maxDowntimeMs, of the two that follow\n"
                   "downtime-tuning=no  raise the downtime limit in steps\n"
                   "stall-detection=no  decide at each pass instead of by the clock\n"
                   "allow-auto-converge=no  QEMU's auto-converge\n"
                   "allow-post-copy=no  switch to postcopy at the timeout\n"
                   "allow-workload-disruption=  pause at the timeout: as allow-post-copy\n"
                   "stall-margin=4%  so far from the best is as good\n"
                   "stall-progress-timeout=40s  without a shorter pass is a stall\n"
                   "switchover-timeout=60s  from then on, for the switchover",
    .open = kubevirt_open,
    .config = kubevirt_config,
    .config_complete = kubevirt_config_complete,
    .plan = kubevirt_plan,
    .decide = kubevirt_decide,
    .close = free,
};
