/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Well-behaved: repeats what it is given, so that a test sees both directions. */
#include <stdio.h>

#include "minimal.h"

struct echo {
    struct minimal minimal;
    uint64_t pct, us, bytes, bytes_per_s, number, on;
};

static void *
echo_open (const struct qmpmig_context *context)
{
    struct echo *self = calloc (1, sizeof *self);

    self->minimal.context = context;
    context->host->log (context, context->vm_name);
    if (strcmp (context->vm_name, "unwanted") != 0)
        return self;
    free (self);
    context->host->error (context, "this VM is unwanted");
    return NULL;
}

static int
echo_config (void *handle, const char *key, const char *value)
{
    struct echo *self = handle;
    const struct qmpmig_context *context = self->minimal.context;
    const struct qmpmig_host *host = context->host;

    if (!strcmp (key, "pct"))
        return host->parse_percent (context, key, value, &self->pct);
    if (!strcmp (key, "time"))
        return host->parse_time (context, key, value, &self->us);
    if (!strcmp (key, "size"))
        return host->parse_size (context, key, value, &self->bytes);
    if (!strcmp (key, "rate"))
        return host->parse_rate (context, key, value, &self->bytes_per_s);
    if (!strcmp (key, "number"))
        return host->parse_uint (context, key, value, &self->number);
    return host->parse_bool (context, key, value, &self->on);
}

static int
echo_complete (void *handle)
{
    struct echo *self = handle;

    if (self->number != 13)
        return 0;
    self->minimal.context->host->error (self->minimal.context, "13 does not go with the rest");
    return -1;
}

static int
echo_plan (void *handle, const struct qmpmig_facts *facts, struct qmpmig_plan *plan)
{
    struct echo *self = handle;

    plan->set = QMPMIG_PLAN_DOWNTIME | QMPMIG_PLAN_POSTCOPY | QMPMIG_PLAN_MULTIFD | 1ULL << 40;
    plan->downtime_limit_us = facts->limits.max_downtime_us;
    plan->postcopy = 7;
    strcpy (plan->reason, "as the operator says");
    return self->on ? -1 : 0;
}

static int
echo_decide (void *handle, const struct qmpmig_sample *sample, struct qmpmig_advice *advice)
{
    struct echo *self = handle;

    if (sample->size < sizeof *sample || sample->sequence == QMPMIG_UNKNOWN)
        return 0;
    advice->set = QMPMIG_SET_THROTTLE | QMPMIG_SET_DOWNTIME | QMPMIG_SET_BANDWIDTH |
                  QMPMIG_SET_XBZRLE_CACHE | QMPMIG_SET_DIRTY_LIMIT;
    advice->throttle_pct = self->pct;
    advice->downtime_limit_us = self->us;
    advice->bandwidth_bytes_per_s = self->bytes_per_s;
    advice->xbzrle_cache_bytes = self->bytes;
    advice->reason_code = self->number;
    snprintf (advice->reason, sizeof advice->reason, "sample %d", (int)sample->sequence);
    return 0;
}

const struct qmpmig_plugin qmpmig_plugin = {
    .size = sizeof (struct qmpmig_plugin),
    .abi = QMPMIG_ABI,
    .name = "echo",
    .version = "1.5",
    .description = "repeats what it is given",
    .config_help = "pct=0  a percentage\ntime=0us  a time\nsize=  a size\nrate=unlimited  a rate\n"
                   "number=0  a number\nswitch=off  on or off\nno key at all",
    .open = echo_open,
    .config = echo_config,
    .config_complete = echo_complete,
    .plan = echo_plan,
    .decide = echo_decide,
    .close = free,
};
