/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* The built-in rule: what to do when passes stop shrinking. Mildest first: the whole of the
 * permitted downtime, then the throttle (hard and short: the smallest throttle that converges costs
 * the guest most), then postcopy where it is armed, then what --if-stuck says. Pure: no clock, no
 * QMP. */
#pragma once

#include "agent/options.h"
#include "agent/steering/tracker.h"

typedef enum { ACTION_NONE, ACTION_POSTCOPY, ACTION_PAUSE_GUEST, ACTION_CANCEL } Action;
const char *action_name (Action action);

/* Stable numbers of `reason_code`. */
typedef enum {
    REASON_NONE = 0,
    REASON_SPEND_DOWNTIME = 1,
    REASON_THROTTLE = 2,
    REASON_POSTCOPY_STALLED = 3,
    REASON_POSTCOPY_ASKED = 4,
    REASON_POSTCOPY_DEADLINE = 5,
    REASON_STUCK = 6,
    REASON_DEADLINE_PASSED = 7,
} ReasonCode;

typedef struct {
    gboolean set_downtime_limit, set_throttle;
    guint64 downtime_limit_us;
    guint throttle_pct;
    Action action;
    ReasonCode reason_code;
    char reason[256];
} Advice;

typedef enum { RULE_FREE, RULE_DOWNTIME_SPENT, RULE_THROTTLED, RULE_AT_THE_END } RuleStage;

typedef struct {
    PostcopyMode postcopy;
    gboolean steers_throttle;
    StuckAction if_stuck;
    RuleStage stage;
    guint64 passes_at_stage; /* true passes when the stage was entered, or its throttle took hold */
    gboolean throttle_holds; /* QEMU was seen applying what was commanded */
} Rule;

/* Called after every sample; PASS_ENDED when a true pass ended with it. TRUE when ADVICE says
 * something. */
gboolean rule_decide (Rule *self, const Tracker *tracker, const Limits *limits, gboolean pass_ended,
                      Advice *advice);
