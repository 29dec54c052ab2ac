/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* schedule: oVirt's convergence schedules, its own five or any other: a step for so many passes,
 * looked at every ten seconds; qmpmig-schedule-policy(7). */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "orchestrator.h"
#include "schedule-json.h"

#define DOWNTIME(limit, ms)                                                                        \
    "{\"limit\":" #limit ",\"action\":{\"name\":\"setDowntime\",\"params\":[\"" #ms "\"]}}"
#define POSTCOPY "{\"limit\":-1,\"action\":{\"name\":\"postcopy\",\"params\":[]}}"
#define ABORT    "{\"limit\":-1,\"action\":{\"name\":\"abort\",\"params\":[]}}"
#define INIT(ms) "{\"init\":[{\"name\":\"setDowntime\",\"params\":[\"" #ms "\"]}],\"stalling\":["
#define FIVE                                                                                       \
    DOWNTIME (1, 150)                                                                              \
    "," DOWNTIME (2, 200) "," DOWNTIME (3, 300) "," DOWNTIME (4, 400) "," DOWNTIME (6, 500) ","

/* As the engine sends them, with what goes beside the schedule. */
static const struct {
    const char *name, *json;
    int converge, compress;
} known[] = {
    { "minimal-downtime", INIT (100) FIVE ABORT "]}", 1, 0 },
    { "suspend-workload", INIT (100) FIVE DOWNTIME (-1, 5000) "," ABORT "]}", 1, 1 },
    { "post-copy", INIT (100) DOWNTIME (1, 150) "," DOWNTIME (2, 200) "," POSTCOPY "," ABORT "]}",
      1, 0 },
    { "very-large",
      INIT (300) DOWNTIME (1, 400) "," DOWNTIME (2, 500) "," DOWNTIME (3, 700) "," DOWNTIME (
          4, 1000) "," DOWNTIME (6, 1500) "," DOWNTIME (-1, 5000) "," ABORT "]}",
      1, 0 },
    { "legacy",
      INIT (101) DOWNTIME (1, 104) "," DOWNTIME (2, 120) "," DOWNTIME (3, 189) "," DOWNTIME (
          4, 500) "," DOWNTIME (42, 500) "," ABORT "]}",
      0, 0 },
};

struct policy {
    const struct qmpmig_context *context;
    struct schedule schedule;
    struct orchestrator_clock clock;
    struct orchestrator_downtime downtime;
    uint64_t interval_us, converge, compress;
    uint64_t first_sync, last_sync; /* unknown before the first look */
    size_t next;
    int over; /* postcopy or abort was due */
};

static void
take_known (struct policy *self, size_t i)
{
    char why[128];

    schedule_parse (&self->schedule, known[i].json, why);
    self->converge = (uint64_t)known[i].converge;
    self->compress = (uint64_t)known[i].compress;
}

static void *
schedule_open (const struct qmpmig_context *context)
{
    struct policy *self = calloc (1, sizeof *self);

    if (!self)
        return NULL;
    *self = (struct policy){ .context = context,
                             .interval_us = 10000000,
                             .first_sync = QMPMIG_UNKNOWN,
                             .last_sync = QMPMIG_UNKNOWN };
    take_known (self, 0);
    return self;
}

/* --- options --------------------------------------------------------------------------------- */

static int
take_name (struct policy *self, const char *name)
{
    for (size_t i = 0; i < sizeof known / sizeof *known; i++)
        if (!strcmp (known[i].name, name)) {
            take_known (self, i);
            return 0;
        }
    return orchestrator_fail (
        self->context, "name is minimal-downtime, suspend-workload, post-copy, very-large or "
                       "legacy");
}

static int
take_json (struct policy *self, const char *text)
{
    char why[128];

    return schedule_parse (&self->schedule, text, why) ? orchestrator_fail (self->context, why) : 0;
}

static int
schedule_config (void *handle, const char *key, const char *value)
{
    struct policy *self = handle;
    const struct qmpmig_host *host = self->context->host;

    if (!strcmp (key, "name"))
        return take_name (self, value);
    if (!strcmp (key, "json"))
        return take_json (self, value);
    if (!strcmp (key, "auto-converge"))
        return host->parse_bool (self->context, key, value, &self->converge);
    if (!strcmp (key, "compressed"))
        return host->parse_bool (self->context, key, value, &self->compress);
    return host->parse_time (self->context, key, value, &self->interval_us);
}

static int
schedule_config_complete (void *handle)
{
    struct policy *self = handle;

    if (self->interval_us >= 100000)
        return 0;
    return orchestrator_fail (self->context, "interval is under 100ms");
}

/* --- what to do ------------------------------------------------------------------------------ */

/* Where postcopy cannot be, the engine leaves its steps out. */
static int
schedule_plan (void *handle, const struct qmpmig_facts *facts, struct qmpmig_plan *plan)
{
    struct policy *self = handle;

    orchestrator_plan_init (plan, "as oVirt does");
    if (self->schedule.init_downtime_us) {
        plan->set |= QMPMIG_PLAN_DOWNTIME;
        plan->downtime_limit_us = self->schedule.init_downtime_us;
    }
    if (self->converge)
        orchestrator_plan_ramp (plan);
    if (self->compress)
        plan->xbzrle_cache_bytes = 64 << 20;
    if (schedule_has_postcopy (&self->schedule) && !orchestrator_plan_postcopy (plan, facts))
        schedule_drop_postcopy (&self->schedule);
    return 0;
}

static void
run_step (struct policy *self, const struct schedule_step *step, const struct qmpmig_sample *sample,
          struct qmpmig_advice *advice)
{
    char why[96];

    snprintf (why, sizeof why, "%u passes: step %u of the schedule",
              (unsigned)(self->last_sync - self->first_sync), (unsigned)self->next);
    switch (step->kind) {
    case SCHEDULE_DOWNTIME:
        orchestrator_downtime_set (&self->downtime, step->downtime_us, why);
        return;
    case SCHEDULE_POSTCOPY:
        self->over = orchestrator_end (sample, advice, QMPMIG_ACTION_POSTCOPY, why);
        return;
    case SCHEDULE_ABORT:
        self->over = 1;
        orchestrator_end (sample, advice, QMPMIG_ACTION_CANCEL, why);
        return;
    }
}

/* One step at a look, and only when another pass has begun since the last one. */
static void
look (struct policy *self, const struct qmpmig_sample *sample, struct qmpmig_advice *advice)
{
    const struct schedule_step *step = &self->schedule.steps[self->next];
    int64_t passes;

    if (!orchestrator_is_known (self->first_sync))
        self->first_sync = self->last_sync = sample->syncs;
    if (sample->syncs <= self->last_sync || self->over)
        return;
    self->last_sync = sample->syncs;
    passes = (int64_t)(sample->syncs - self->first_sync);
    if (self->next >= self->schedule.count || step->limit >= passes)
        return;
    self->next++;
    run_step (self, step, sample, advice);
}

/* VDSM looks for the first time when an interval has passed. What `init` has is set before the
 * start, or at once where somebody else has started. */
static void
begin (struct policy *self)
{
    self->clock.next_us = self->interval_us;
    if (self->schedule.init_downtime_us)
        orchestrator_downtime_set (&self->downtime, self->schedule.init_downtime_us,
                                   "what the schedule begins with");
}

static int
schedule_decide (void *handle, const struct qmpmig_sample *sample, struct qmpmig_advice *advice)
{
    struct policy *self = handle;

    if (!self->clock.next_us)
        begin (self);
    if (orchestrator_is_known (sample->syncs) &&
        orchestrator_clock_ticks (&self->clock, sample->now_us, self->interval_us))
        look (self, sample, advice);
    orchestrator_downtime_advise (&self->downtime, sample, advice);
    return 0;
}

const struct qmpmig_plugin qmpmig_plugin = {
    .size = sizeof (struct qmpmig_plugin),
    .abi = QMPMIG_ABI,
    .name = "schedule",
    .version = "1",
    .description = "oVirt's convergence schedules: a step for so many passes",
    .config_help = "name=minimal-downtime  or suspend-workload, post-copy, very-large, legacy\n"
                   "json=  another schedule, as oVirt's engine sends it; @FILE reads a file\n"
                   "interval=10s  between two looks\n"
                   "auto-converge=  QEMU's auto-converge: on but for legacy\n"
                   "compressed=  xbzrle: on for suspend-workload only",
    .open = schedule_open,
    .config = schedule_config,
    .config_complete = schedule_config_complete,
    .plan = schedule_plan,
    .decide = schedule_decide,
    .close = free,
};
