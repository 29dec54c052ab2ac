/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* ganeti: Ganeti's rule: a fixed rate and a fixed downtime limit, and postcopy after the second
 * look at the dirty pages, if it was asked for; qmpmig-ganeti-policy(7). */
#include <stdlib.h>
#include <string.h>

#include "orchestrator.h"

#define POLL_US        1000000
#define SYNCS_POSTCOPY 2

struct ganeti {
    const struct qmpmig_context *context;
    struct orchestrator_clock clock;
    uint64_t downtime_us, rate_bytes_per_s;
    int postcopy, ramp, xbzrle; /* migration_caps */
    int due, done;              /* the switch */
};

static void *
ganeti_open (const struct qmpmig_context *context)
{
    struct ganeti *self = calloc (1, sizeof *self);

    if (self)
        *self = (struct ganeti){ .context = context,
                                 .downtime_us = 30000,
                                 .rate_bytes_per_s = 32 << 20 };
    return self;
}

static int
take_capability (struct ganeti *self, const char *name, size_t length)
{
    const struct {
        const char *name;
        int *on;
    } known[] = { { "postcopy-ram", &self->postcopy },
                  { "auto-converge", &self->ramp },
                  { "xbzrle", &self->xbzrle } };

    for (unsigned i = 0; i < sizeof known / sizeof *known; i++)
        if (strlen (known[i].name) == length && !strncmp (known[i].name, name, length)) {
            *known[i].on = 1;
            return 0;
        }
    self->context->host->error (self->context,
                                "caps takes postcopy-ram, auto-converge and xbzrle, with colons "
                                "between them; others are for --cap");
    return -1;
}

static int
take_capabilities (struct ganeti *self, const char *text)
{
    while (*text) {
        size_t length = strcspn (text, ":");

        if (take_capability (self, text, length))
            return -1;
        text += length + (text[length] ? 1 : 0);
    }
    return 0;
}

static int
ganeti_config (void *handle, const char *key, const char *value)
{
    struct ganeti *self = handle;
    const struct qmpmig_host *host = self->context->host;

    if (!strcmp (key, "caps"))
        return take_capabilities (self, value);
    if (!strcmp (key, "downtime"))
        return host->parse_time (self->context, key, value, &self->downtime_us);
    return host->parse_rate (self->context, key, value, &self->rate_bytes_per_s);
}

static int
ganeti_plan (void *handle, const struct qmpmig_facts *facts, struct qmpmig_plan *plan)
{
    struct ganeti *self = handle;

    orchestrator_plan_init (plan, "as Ganeti does");
    plan->set |= QMPMIG_PLAN_DOWNTIME | QMPMIG_PLAN_BANDWIDTH;
    plan->downtime_limit_us = self->downtime_us;
    plan->bandwidth_bytes_per_s = self->rate_bytes_per_s;
    if (self->ramp)
        orchestrator_plan_ramp (plan);
    if (self->xbzrle)
        plan->xbzrle_cache_bytes = 64 << 20;
    if (!self->postcopy || orchestrator_plan_postcopy (plan, facts))
        return 0;
    self->context->host->error (self->context,
                                "caps asks for postcopy-ram, which these two ends cannot do");
    return -1;
}

/* Postcopy has a rate of its own, which is the same. */
static void
switch_to_postcopy (struct ganeti *self, const struct qmpmig_sample *sample,
                    struct qmpmig_advice *advice)
{
    if (!(sample->may & QMPMIG_MAY_POSTCOPY))
        return;
    self->done = 1;
    orchestrator_end (sample, advice, QMPMIG_ACTION_POSTCOPY, "two passes have begun");
    advice->set |= QMPMIG_SET_POSTCOPY_BANDWIDTH;
    advice->postcopy_bandwidth_bytes_per_s = self->rate_bytes_per_s;
}

static int
ganeti_decide (void *handle, const struct qmpmig_sample *sample, struct qmpmig_advice *advice)
{
    struct ganeti *self = handle;

    if (orchestrator_clock_ticks (&self->clock, sample->now_us, POLL_US))
        self->due = self->postcopy && orchestrator_is_known (sample->syncs) &&
                    sample->syncs >= SYNCS_POSTCOPY;
    if (self->due && !self->done)
        switch_to_postcopy (self, sample, advice);
    return 0;
}

const struct qmpmig_plugin qmpmig_plugin = {
    .size = sizeof (struct qmpmig_plugin),
    .abi = QMPMIG_ABI,
    .name = "ganeti",
    .version = "1",
    .description = "Ganeti's rule: fixed limits, postcopy after the first pass if asked for",
    .config_help = "downtime=30ms  migration_downtime\n"
                   "rate=32MiB/s  migration_bandwidth\n"
                   "caps=  migration_caps: postcopy-ram, auto-converge, xbzrle, by colons",
    .open = ganeti_open,
    .config = ganeti_config,
    .plan = ganeti_plan,
    .decide = ganeti_decide,
    .close = free,
};
