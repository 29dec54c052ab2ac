/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* nova: OpenStack Nova's rules: the downtime limit grows in steps by the clock, slower the larger
 * the guest is; after a timeout by its size the migration is aborted or forced;
 * qmpmig-nova-policy(7). */
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "orchestrator.h"

#define POLL_US      500000
#define GIB          ((double)(1 << 30))
#define SMALLEST_GIB 2 /* of the memory */

struct nova {
    const struct qmpmig_context *context;
    struct orchestrator_clock clock;
    struct orchestrator_downtime downtime;
    uint64_t most_us, steps, delay_s, timeout_s, disks_bytes; /* by Nova's options */
    uint64_t forces, post_copy, auto_converge;                /* 0 or 1 */
    uint64_t limit_us;                                        /* set last; 0: none */
    int force_next;                                           /* queued for the next look */
    int ended;
};

static void *
nova_open (const struct qmpmig_context *context)
{
    struct nova *self = calloc (1, sizeof *self);

    if (self)
        *self = (struct nova){
            .context = context, .most_us = 500000, .steps = 10, .delay_s = 75, .timeout_s = 800
        };
    return self;
}

/* --- options --------------------------------------------------------------------------------- */

static int
take_action (struct nova *self, const char *value)
{
    self->forces = !strcmp (value, "force-complete");
    return self->forces || !strcmp (value, "abort")
               ? 0
               : orchestrator_fail (self->context, "timeout-action is abort or force-complete");
}

static int
nova_config (void *handle, const char *key, const char *value)
{
    struct nova *self = handle;
    const struct qmpmig_host *host = self->context->host;
    const struct orchestrator_key keys[] = {
        { "downtime", host->parse_time, &self->most_us },
        { "downtime-steps", host->parse_uint, &self->steps },
        { "downtime-delay", host->parse_uint, &self->delay_s },
        { "completion-timeout", host->parse_uint, &self->timeout_s },
        { "permit-post-copy", host->parse_bool, &self->post_copy },
        { "permit-auto-converge", host->parse_bool, &self->auto_converge },
        { "disks", host->parse_size, &self->disks_bytes },
    };

    const struct orchestrator_key *found =
        orchestrator_key_find (keys, sizeof keys / sizeof *keys, key);

    return found ? found->parse (self->context, key, value, found->to) : take_action (self, value);
}

static int
nova_config_complete (void *handle)
{
    const struct nova *self = handle;

    if (self->most_us < 100000 || self->most_us > 2000000000)
        return orchestrator_fail (self->context, "downtime is not between 100ms and 2000s");
    if (self->steps < 3 || self->steps > 1000)
        return orchestrator_fail (self->context, "downtime-steps is not between 3 and 1000");
    if (self->delay_s < 3 || self->delay_s > 86400 || self->timeout_s > 86400)
        return orchestrator_fail (
            self->context, "downtime-delay is at least 3, and neither it nor completion-timeout is "
                           "above 86400 s for a GiB");
    return 0;
}

/* --- the formulas ---------------------------------------------------------------------------- */

static double
data_gib (const struct nova *self, const struct qmpmig_sample *sample)
{
    uint64_t ram = self->context->ram_bytes;

    if (!orchestrator_is_known (ram))
        ram = orchestrator_is_known (sample->total_bytes) ? sample->total_bytes : 0;
    return fmax (SMALLEST_GIB, (double)ram / GIB) + (double)self->disks_bytes / GIB;
}

/* STEPS + 1 of them, from a STEPS-th of the whole to all of it. */
static uint64_t
limit_of_step (const struct nova *self, uint64_t step)
{
    double most = (double)self->most_us / 1000, steps = (double)self->steps;
    double base = most / steps;
    double offset = (most - base) / steps;

    return (uint64_t)(base + offset * (double)step) * 1000;
}

static uint64_t
due_step (const struct nova *self, const struct qmpmig_sample *sample)
{
    uint64_t delay_s = (uint64_t)((double)self->delay_s * data_gib (self, sample));
    uint64_t step = self->steps;

    while (step && sample->now_us <= delay_s * step * 1000000)
        step--;
    return step;
}

static int
is_late (const struct nova *self, const struct qmpmig_sample *sample)
{
    uint64_t timeout_s = (uint64_t)((double)self->timeout_s * data_gib (self, sample));

    return timeout_s && sample->now_us > timeout_s * 1000000;
}

/* --- what to do ------------------------------------------------------------------------------ */

static int
nova_plan (void *handle, const struct qmpmig_facts *facts, struct qmpmig_plan *plan)
{
    struct nova *self = handle;

    orchestrator_plan_init (plan, "as OpenStack Nova does");
    plan->set |= QMPMIG_PLAN_DOWNTIME;
    plan->downtime_limit_us = limit_of_step (self, 0);
    if (self->post_copy)
        self->post_copy = orchestrator_plan_postcopy (plan, facts) ? 1 : 0;
    if (self->auto_converge && !self->post_copy)
        orchestrator_plan_ramp (plan);
    return 0;
}

static void
force (struct nova *self, const struct qmpmig_sample *sample, struct qmpmig_advice *advice)
{
    self->ended = 1;
    orchestrator_end (sample, advice,
                      self->post_copy ? QMPMIG_ACTION_POSTCOPY : QMPMIG_ACTION_PAUSE_GUEST,
                      "the completion timeout is over");
}

static void
step (struct nova *self, const struct qmpmig_sample *sample)
{
    uint64_t number = due_step (self, sample);
    uint64_t limit_us = limit_of_step (self, number);
    char why[64];

    if (!sample->now_us || limit_us == self->limit_us)
        return;
    self->limit_us = limit_us;
    snprintf (why, sizeof why, "step %u of %u of the downtime, by the clock", (unsigned)number,
              (unsigned)self->steps);
    orchestrator_downtime_set (&self->downtime, limit_us, why);
}

static void
look (struct nova *self, const struct qmpmig_sample *sample, struct qmpmig_advice *advice)
{
    if (self->force_next && !self->ended)
        force (self, sample, advice);
    if (is_late (self, sample) && !self->ended) {
        self->force_next = self->forces ? 1 : 0;
        self->ended = !self->forces;
        if (self->ended)
            orchestrator_end (sample, advice, QMPMIG_ACTION_CANCEL,
                              "the completion timeout is over");
    }
    step (self, sample);
}

static int
nova_decide (void *handle, const struct qmpmig_sample *sample, struct qmpmig_advice *advice)
{
    struct nova *self = handle;

    if (orchestrator_clock_ticks (&self->clock, sample->now_us, POLL_US))
        look (self, sample, advice);
    orchestrator_downtime_advise (&self->downtime, sample, advice);
    return 0;
}

const struct qmpmig_plugin qmpmig_plugin = {
    .size = sizeof (struct qmpmig_plugin),
    .abi = QMPMIG_ABI,
    .name = "nova",
    .version = "1",
    .description = "OpenStack Nova's rules: downtime by the clock, and a timeout",
    .config_help = "downtime=500ms  live_migration_downtime: the last step's\n"
                   "downtime-steps=10  live_migration_downtime_steps\n"
                   "downtime-delay=75  seconds between two steps, for each GiB\n"
                   "completion-timeout=800  seconds, for each GiB; 0: none\n"
                   "timeout-action=abort  what then: abort or force-complete\n"
                   "permit-post-copy=no  force-complete switches to postcopy; else it pauses\n"
                   "permit-auto-converge=no  QEMU's auto-converge, without postcopy only\n"
                   "disks=0GiB  of the disks that move too, counted as memory is",
    .open = nova_open,
    .config = nova_config,
    .config_complete = nova_config_complete,
    .plan = nova_plan,
    .decide = nova_decide,
    .close = free,
};
