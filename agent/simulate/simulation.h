/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* One simulated migration under one policy: what happens to a sample is what happens to one of a
 * real migration (steering/). */
#pragma once

#include "agent/options.h"
#include "agent/simulate/bound.h"
#include "agent/simulate/thread.h"
#include "agent/simulate/workload.h"
#include "qmp/message.h"

/* One that went otherwise: how it was armed, and what was commanded when. */
typedef struct {
    guint64 syncs, since_us; /* so long after QEMU's look of that number */
    json_object *parameters; /* of migrate-set-parameters; NULL: none */
    enum qmpmig_action action;
} SimCommand;

typedef struct {
    gboolean auto_converge, xbzrle, postcopy, preempt;
    guint channels;          /* multifd's; 0: none */
    gboolean postcopy_now;   /* after the first pass */
    json_object *parameters; /* that it began with */
    GArray *commands;        /* SimCommand, in their order */
} SimCourse;

typedef struct {
    ThreadSetup thread;
    const Workload *workload;
    Link link;
    guint64 seed;
    guint64 give_up_us;            /* one that has not ended by then never will */
    const MigrateOptions *options; /* policy, its keys, limits */
    const SimCourse *course;       /* is followed instead of a policy; NULL: none */
    /* Lines of docs/json.md, of time T_US; takes BODY. May be NULL. */
    void (*post) (gpointer data, const char *type, guint64 t_us, json_object *body);
    gpointer data;
} Simulation;

typedef enum { SIM_COMPLETED, SIM_CANCELLED, SIM_STUCK } SimOutcome;

typedef struct {
    SimOutcome outcome;
    gboolean postcopy;
    guint64 total_us, blackout_us, qemu_downtime_us, stall_us, work_lost_us;
    guint64 sent_bytes, left_bytes, passes, syncs, throttle_integral_us;
    Bound least;     /* of any pre-copy */
    guint channels;  /* multifd's; 0: none */
    guint64 verdict; /* the policy's last */
    guint64 needs, needed_downtime_us, needed_bandwidth_bytes_per_s;
    char *reason; /* the policy's last words; NULL: none */
} SimResult;

/* *ret_result is written on success; sim_result_clear() it. */
gboolean simulation_run (const Simulation *self, SimResult *ret_result, GError **error);
void sim_result_clear (SimResult *self);
G_DEFINE_AUTO_CLEANUP_CLEAR_FUNC (SimResult, sim_result_clear)
const char *sim_outcome_name (SimOutcome outcome);
