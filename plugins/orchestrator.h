/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* What the rules of orchestrators share: they look by a clock of their own, not at each sample, and
 * know no limits but their own. */
#pragma once

#include "qmpmig-plugin.h"

/* An option that is a number, and where it goes. */
struct orchestrator_key {
    const char *key;
    int (*parse) (const struct qmpmig_context *context, const char *key, const char *value,
                  uint64_t *to);
    uint64_t *to;
};
/* NULL: it is none of these. */
const struct orchestrator_key *orchestrator_key_find (const struct orchestrator_key *keys,
                                                      unsigned count, const char *key);
/* Says what is wrong with the options; -1. */
int orchestrator_fail (const struct qmpmig_context *context, const char *text);

/* Looks that are INTERVAL_US apart; one that nobody asked for in time is left out. */
struct orchestrator_clock {
    uint64_t next_us;
};
int orchestrator_clock_ticks (struct orchestrator_clock *clock, uint64_t now_us,
                              uint64_t interval_us);

/* Everything that they arm is said: nothing is left to qmpmig's own choice. */
void orchestrator_plan_init (struct qmpmig_plan *plan, const char *reason);
/* QEMU's own auto-converge, at libvirt's and QEMU's defaults. */
void orchestrator_plan_ramp (struct qmpmig_plan *plan);
/* Whether it can be armed, which it then is. */
int orchestrator_plan_postcopy (struct qmpmig_plan *plan, const struct qmpmig_facts *facts);

/* A new downtime limit, kept until it may be set. */
struct orchestrator_downtime {
    uint64_t due_us; /* 0: nothing is due */
    char why[128];
};
void orchestrator_downtime_set (struct orchestrator_downtime *self, uint64_t limit_us,
                                const char *why);
void orchestrator_downtime_advise (struct orchestrator_downtime *self,
                                   const struct qmpmig_sample *sample,
                                   struct qmpmig_advice *advice);

/* ACTION with its reason, where it is permitted; else that the migration cannot end, and why.
 * Whether it was permitted. */
int orchestrator_end (const struct qmpmig_sample *sample, struct qmpmig_advice *advice,
                      uint64_t action, const char *why);

int orchestrator_is_known (uint64_t value);
