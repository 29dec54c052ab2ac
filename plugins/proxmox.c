/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* proxmox: Proxmox VE's rule: when what is left has grown for the sixth time, the downtime limit
 * doubles. It never gives up and never switches to postcopy; qmpmig-proxmox-policy(7). */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "orchestrator.h"

#define POLL_US      1000000
#define FAST_POLL_US 100000
#define PATIENCE     5
#define LONGEST_US   2000000000 /* QEMU takes no longer downtime limit */

struct proxmox {
    const struct qmpmig_context *context;
    struct orchestrator_clock clock;
    struct orchestrator_downtime downtime;
    uint64_t limit_us;
    uint64_t polls, stuck;
    uint64_t sent_bytes, remaining_bytes; /* at the last look that counted */
};

static void *
proxmox_open (const struct qmpmig_context *context)
{
    struct proxmox *self = calloc (1, sizeof *self);

    if (self)
        *self = (struct proxmox){ .context = context, .limit_us = 100000 };
    return self;
}

static int
proxmox_config (void *handle, const char *key, const char *value)
{
    struct proxmox *self = handle;

    return self->context->host->parse_time (self->context, key, value, &self->limit_us);
}

static int
proxmox_config_complete (void *handle)
{
    struct proxmox *self = handle;

    if (self->limit_us >= 1000 && self->limit_us <= LONGEST_US)
        return 0;
    self->context->host->error (self->context, "downtime is not between 1ms and 2000s");
    return -1;
}

/* A tenth of the guest, up to the next power of two. */
static uint64_t
cache_bytes (uint64_t ram_bytes)
{
    uint64_t size = 1 << 20;

    while (size < ram_bytes / 10)
        size *= 2;
    return size;
}

static int
proxmox_plan (void *handle, const struct qmpmig_facts *facts, struct qmpmig_plan *plan)
{
    struct proxmox *self = handle;

    (void)facts;
    orchestrator_plan_init (plan, "as Proxmox VE does");
    orchestrator_plan_ramp (plan);
    plan->set |= QMPMIG_PLAN_DOWNTIME;
    plan->downtime_limit_us = self->limit_us;
    if (orchestrator_is_known (self->context->ram_bytes))
        plan->xbzrle_cache_bytes = cache_bytes (self->context->ram_bytes);
    else
        plan->set &= ~(uint64_t)QMPMIG_PLAN_XBZRLE;
    return 0;
}

/* Once less is left than a poll sends, it looks ten times as often. */
static int
is_due (struct proxmox *self, const struct qmpmig_sample *sample)
{
    int fast = self->polls && self->remaining_bytes < self->sent_bytes / self->polls;

    if (fast && self->clock.next_us > sample->now_us - sample->now_us % FAST_POLL_US + FAST_POLL_US)
        self->clock.next_us = sample->now_us - sample->now_us % FAST_POLL_US + FAST_POLL_US;
    return orchestrator_clock_ticks (&self->clock, sample->now_us, fast ? FAST_POLL_US : POLL_US);
}

static int
is_stuck (struct proxmox *self, const struct qmpmig_sample *sample)
{
    int grew = sample->remaining_bytes > self->remaining_bytes || sample->remaining_bytes == 0;

    self->stuck += self->polls && grew ? 1 : 0;
    self->sent_bytes = sample->sent_bytes;
    self->remaining_bytes = sample->remaining_bytes;
    return self->stuck > PATIENCE;
}

static void
look (struct proxmox *self, const struct qmpmig_sample *sample)
{
    int moved = !self->polls || sample->sent_bytes != self->sent_bytes;
    char why[96];

    if (moved && is_stuck (self, sample)) {
        self->stuck = 0;
        self->limit_us = self->limit_us * 2 > LONGEST_US ? LONGEST_US : self->limit_us * 2;
        snprintf (why, sizeof why, "what is left has grown %d times: the downtime limit doubles",
                  PATIENCE + 1);
        orchestrator_downtime_set (&self->downtime, self->limit_us, why);
    }
    self->polls++;
}

static int
proxmox_decide (void *handle, const struct qmpmig_sample *sample, struct qmpmig_advice *advice)
{
    struct proxmox *self = handle;

    if (orchestrator_is_known (sample->sent_bytes) &&
        orchestrator_is_known (sample->remaining_bytes) && is_due (self, sample))
        look (self, sample);
    orchestrator_downtime_advise (&self->downtime, sample, advice);
    return 0;
}

const struct qmpmig_plugin qmpmig_plugin = {
    .size = sizeof (struct qmpmig_plugin),
    .abi = QMPMIG_ABI,
    .name = "proxmox",
    .version = "1",
    .description = "Proxmox VE's rule: the downtime limit doubles when it is stuck",
    .config_help = "downtime=100ms  the limit at the start",
    .open = proxmox_open,
    .config = proxmox_config,
    .config_complete = proxmox_config_complete,
    .plan = proxmox_plan,
    .decide = proxmox_decide,
    .close = free,
};
