/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* What the policy `auto` arms before the start. */
#include <math.h>
#include <stdio.h>
#include <string.h>

#include "auto-moves.h"

/* Of a guest of unknown size. */
#define MODEST_CACHE ((uint64_t)64 << 20)
/* One channel, and the search for deltas, keep up with a link of 10 Gbit/s. */
#define FAST_LINK     1250000000.0
#define MOST_CHANNELS 16

int
auto_config (void *handle, const char *key, const char *value)
{
    struct policy *p = handle;
    const struct qmpmig_host *host = p->context->host;

    if (strcmp (key, "xbzrle") == 0)
        return host->parse_bool (p->context, key, value, &p->wants_deltas);
    if (strcmp (key, "xbzrle-max") == 0)
        return host->parse_size (p->context, key, value, &p->most_cache);
    host->error (p->context, "the keys are xbzrle and xbzrle-max");
    return -1;
}

/* A power of two of at most half the guest. It takes memory only for what is put into it, and has
 * to be large from the start: QEMU 10.0.2 takes another size later, and does nothing. */
static uint64_t
cache_size (const struct policy *p)
{
    uint64_t ram = p->context->ram_bytes, size = 4096;
    uint64_t most = ram == QMPMIG_UNKNOWN ? MODEST_CACHE : ram / 2;

    if (most > p->most_cache)
        most = p->most_cache;
    while (size * 2 <= most)
        size *= 2;
    return size;
}

static int
is_fast (const struct qmpmig_facts *facts)
{
    uint64_t limit = facts->limits.max_bandwidth_bytes_per_s;

    return facts->link_bytes_per_s != QMPMIG_UNKNOWN &&
           (double)facts->link_bytes_per_s > FAST_LINK &&
           (limit == QMPMIG_UNKNOWN || limit == 0 || (double)limit > FAST_LINK);
}

static uint64_t
channels (const struct qmpmig_facts *facts)
{
    uint64_t limit = facts->limits.max_bandwidth_bytes_per_s;
    double link = (double)facts->link_bytes_per_s;

    if (limit != QMPMIG_UNKNOWN && limit != 0)
        link = fmin (link, (double)limit);
    return (uint64_t)fmin (ceil (link / FAST_LINK), MOST_CHANNELS);
}

/* QEMUs before 10.1 cannot have postcopy beside it. */
static void
plan_channels (const struct policy *p, const struct qmpmig_facts *facts, struct qmpmig_plan *plan)
{
    int alone = facts->limits.postcopy == QMPMIG_POSTCOPY_NEVER || facts->postcopy_blockers;
    int both = p->context->qemu_major * 100 + p->context->qemu_minor >= 1001;

    if (!(alone || both) || !(facts->can & QMPMIG_CAN_MULTIFD) ||
        (facts->chosen & (QMPMIG_CAN_MULTIFD | QMPMIG_CAN_XBZRLE)))
        return;
    plan->set |= QMPMIG_PLAN_MULTIFD;
    plan->multifd_channels = channels (facts);
    snprintf (plan->reason, sizeof plan->reason, "one channel does not fill more than 10 Gbit/s");
}

int
auto_plan (void *handle, const struct qmpmig_facts *facts, struct qmpmig_plan *plan)
{
    const struct policy *p = handle;

    plan->set = QMPMIG_PLAN_DOWNTIME;
    plan->downtime_limit_us = (uint64_t)small_downtime_us (&facts->limits);
    if (is_fast (facts)) {
        plan_channels (p, facts, plan);
        return 0;
    }
    if (!p->wants_deltas || !(facts->can & QMPMIG_CAN_XBZRLE) ||
        (facts->chosen & (QMPMIG_CAN_MULTIFD | QMPMIG_CAN_XBZRLE)))
        return 0;
    plan->set |= QMPMIG_PLAN_XBZRLE;
    plan->xbzrle_cache_bytes = cache_size (p);
    snprintf (plan->reason, sizeof plan->reason,
              "deltas pay where writes are sparse; multifd and its compression exclude them, and "
              "one channel fills up to 10 Gbit/s");
    return 0;
}
