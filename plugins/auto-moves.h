/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* The moves that the policy `auto` has: each fills in an advice, with its forecast and its words.
 */
#ifndef QMPMIG_AUTO_MOVES_H
#define QMPMIG_AUTO_MOVES_H

#include "forecast.h"

#define MS 1000.0
#define S  1e6

/* qmpmig-auto-policy(7) */
enum reason {
    REASON_NONE,
    REASON_ON_COURSE = 100,
    REASON_SHRINKING,
    REASON_DELTAS_HELP,
    REASON_DELTAS_TRIED,
    REASON_FINISH,
    REASON_THROTTLE,
    REASON_THROTTLED,
    REASON_DEADLINE,
    REASON_CANNOT,
    REASON_POSTCOPY,
    REASON_STUCK,
};

enum stage { STAGE_FREE, STAGE_FINISHING, STAGE_THROTTLED, STAGE_STUCK };

struct policy {
    const struct qmpmig_context *context;
    uint64_t wants_deltas, most_cache;
    enum stage stage;
    uint64_t throttle_pct, passes_held;   /* since the throttle is in force */
    uint64_t least_bytes, passes_in_vain; /* least that a pass began with; those since */
    /* deltas */
    uint64_t passes;    /* that have ended since we look */
    uint64_t looked_up; /* pages, at the start of this pass */
};

void say (struct qmpmig_advice *a, enum reason code, const char *format, ...)
    __attribute__ ((format (printf, 3, 4)));

/* Standstill that is permitted from the start. */
double small_downtime_us (const struct qmpmig_limits *limits);
/* Longest time that memory may take while the guest stands still, beside a throttle of this much.
 */
double allowed_us (const struct qmpmig_sample *s, double throttle);
/* Hard, but with room for the blackout behind its longest sleep. 0 to 1. */
double hard_throttle (const struct qmpmig_sample *s);
/* If the guest is throttled by this much as soon as that can be, or left as it is (0). */
struct forecast foresee (const struct qmpmig_sample *s, const struct forecast_model *model,
                         double throttle);

/* They return 0, as decide() does. */
int on_course (const struct qmpmig_sample *s, const struct forecast *f, enum reason code,
               const char *words, struct qmpmig_advice *a);
/* Passes end up at something that may be spent at once. */
int finish (struct policy *p, const struct qmpmig_sample *s, const struct forecast *f,
            double stop_us, struct qmpmig_advice *a);
int throttle (struct policy *p, const struct qmpmig_sample *s, const struct forecast *f,
              double share, enum reason code, struct qmpmig_advice *a);
/* Nothing that keeps the guest within the limits can work. A throttle is of no use then. */
int give_up (struct policy *p, const struct qmpmig_sample *s, const struct forecast_model *m,
             double stall_us, struct qmpmig_advice *a);

#endif
