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
    REASON_BURST,
};

enum stage { STAGE_FREE, STAGE_THROTTLED, STAGE_STUCK };

struct policy {
    const struct qmpmig_context *context;
    uint64_t wants_deltas, most_cache;
    enum stage stage;
    uint64_t throttle_pct, passes_held;   /* since the throttle is in force */
    uint64_t worth_us;                    /* guest time that it may have taken by its end */
    uint64_t dirty_rate, counted_us;      /* QEMU's, and when it looked and counted last */
    uint64_t least_bytes, passes_in_vain; /* least that a pass began with; those since */
    /* stuck: what was known then; throttles since the first time */
    uint64_t stuck_points;
    double stuck_link;
    uint64_t tries, tried_pass;
    /* bursts */
    struct curve_model foretold;           /* the curve before this look */
    uint64_t looked_us, now_us, waited_us; /* waited out, in all */
    uint64_t quiet_looks;                  /* of a guest that pauses */
    int is_quiet;                          /* the last */
    int was_calm, in_burst;                /* by that curve it would have ended */
    /* deltas */
    uint64_t passes;    /* that have ended since we look */
    uint64_t looked_up; /* pages, at the start of this pass */
};

/* auto-plan.c */
int auto_config (void *handle, const char *key, const char *value);
int auto_plan (void *handle, const struct qmpmig_facts *facts, struct qmpmig_plan *plan);

void say (struct qmpmig_advice *a, enum reason code, const char *format, ...)
    __attribute__ ((format (printf, 3, 4)));

/* auto-notes.c */
void note_pass (struct policy *p, const struct qmpmig_sample *s);
void note_count (struct policy *p, const struct qmpmig_sample *s);
/* M: with what this look has found. */
void note_burst (struct policy *p, const struct qmpmig_sample *s, const struct forecast_model *m);
/* That it cannot work. */
void note_stuck (struct policy *p, const struct forecast_model *m);
/* More is known since, or the link is another: it is worth asking again. */
int has_news (const struct policy *p, const struct forecast_model *m);
/* They may still turn out to pay. What a page costs in this pass is in the sample. */
int deltas_are_open (const struct policy *p, const struct qmpmig_sample *s);

/* auto-ways.c. Standstill that is permitted from the start. */
double small_downtime_us (const struct qmpmig_limits *limits);
/* Longest time that memory may take while the guest stands still, beside a throttle of this much.
 */
double allowed_us (const struct qmpmig_sample *s, double throttle);
/* Shorter ones are not striven for. */
double shortest_us (const struct qmpmig_sample *s, double throttle);
/* Hard, but with room for the blackout behind its longest sleep. 0 to 1. */
double hard_throttle (const struct qmpmig_sample *s);

/* A way to go on, and where it leads. */
struct way {
    double throttle;         /* 0 to 1 */
    double stop_us, most_us; /* standstill that is worth its while, and that is permitted */
    struct forecast f;
};

/* Throttled as soon as that can be, or left as it is (0), with the cheapest of the standstills
 * that hardly make it longer; the longest permitted one if it does not end. */
struct way find_way (const struct policy *p, const struct qmpmig_sample *s,
                     const struct forecast_model *m, double throttle);
/* Throttled: by the cheapest of hard ones, or as hard as it may be where only that works. */
struct way find_throttle (const struct policy *p, const struct qmpmig_sample *s,
                          const struct forecast_model *m);
/* The same, but throttled only when a pass has not shrunk. */
struct forecast foresee_late (const struct policy *p, const struct qmpmig_sample *s,
                              const struct forecast_model *m, double throttle);
/* Where nobody knows yet whether deltas help: half way between F, without their help, and with it.
 */
struct forecast foresee_either (const struct policy *p, const struct qmpmig_sample *s,
                                const struct forecast_model *m, const struct forecast *f);
/* What it costs the guest and its owner, in seconds of the guest's work. */
double price (const struct forecast *f);
/* How long it may be waited for not having to go that way, or, where it does not end, to ask for
 * the standstill that it would need. */
double worth_waiting_us (const struct policy *p, const struct forecast *f);
int pauses (const struct policy *p);

/* QEMU looks at the dirty pages as soon as what remains would fit into its limit. A long limit cuts
 * passes short, and hot pages are then all that it ever sends: so the limit is short until what
 * remains, and what was written since the last look, fits into what is worth its while. */
void permit (const struct policy *p, const struct qmpmig_sample *s, const struct forecast_model *m,
             const struct way *way, struct qmpmig_advice *a);

/* Where throttled passes leave no less: as long a limit as it takes now, if that is permitted (1).
 * Without KVM QEMU's look waits for a vCPU that sleeps, which then writes for one slice; so it
 * finds as much as the last one, besides what has not been sent, and compares with the limit as it
 * was before. */
int settle (const struct qmpmig_sample *s, const struct forecast_model *m, const struct way *way,
            struct qmpmig_advice *a);

/* They return 0, as decide() does. */
int on_course (const struct qmpmig_sample *s, const struct forecast *f, enum reason code,
               const char *words, struct qmpmig_advice *a);
/* It ends by itself, with that standstill. */
int let_end (struct policy *p, const struct qmpmig_sample *s, const struct forecast_model *m,
             const struct way *way, enum reason code, const char *words, struct qmpmig_advice *a);
int throttle (struct policy *p, const struct qmpmig_sample *s, const struct forecast_model *m,
              const struct way *way, enum reason code, struct qmpmig_advice *a);
/* Nothing that keeps the guest within the limits can work. A throttle is of no use then. */
int give_up (struct policy *p, const struct qmpmig_sample *s, const struct forecast_model *m,
             double stall_us, struct qmpmig_advice *a);

/* auto-deadline.c. To the deadline, or to when an orchestrator gives up. */
double time_left_us (const struct qmpmig_sample *s);
/* These return whether they have decided. Postcopy, while it still ends in time. */
int switch_in_time (const struct qmpmig_sample *s, const struct forecast_model *m, double left_us,
                    struct qmpmig_advice *a);
int press (struct policy *p, const struct qmpmig_sample *s, const struct forecast_model *m,
           const struct forecast *free_run, struct qmpmig_advice *a);

#endif
