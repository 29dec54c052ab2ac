/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "agent/simulate/simulation.h"

#include <math.h>

#include "agent/migration/plan.h"
#include "agent/simulate/arm.h"
#include "agent/simulate/sampling.h"
#include "agent/steering/helm.h"
#include "qmp/value.h"

#define SAMPLE_US 100000
/* In between somebody may have to do something. */
#define LOOK_US 5000.0

typedef struct {
    const Simulation *setup;
    Thread *thread;
    Helm helm;
    Tracker tracker;
    Limits limits;
    guint64 may; /* QMPMIG_MAY_ that do not change */
    guint channels;
    Sampling sampling;
    gboolean postcopy_wanted, paused;
    guint commanded;  /* of the course */
    double thread_us; /* how far the thread was let go in it */
} Run;

static void
post (gpointer data, const char *type, json_object *body)
{
    Run *run = data;
    const Simulation *setup = run->setup;
    guint64 now_us = run->tracker.last.now_us;

    if (setup->post)
        setup->post (setup->data, type, now_us == SAMPLE_UNKNOWN ? 0 : now_us, body);
    else
        json_object_put (body);
}

static void
notice (gpointer data, const char *level, const char *code, const char *text)
{
    post (data, "notice",
          qmp_object ("level", json_object_new_string (level), "code",
                      json_object_new_string (code), "text", json_object_new_string (text), NULL));
}

static gboolean
apply (gpointer data, json_object *arguments, GPtrArray *changed, GError **error G_GNUC_UNUSED)
{
    Run *run = data;
    json_object *list = json_object_new_array ();

    thread_set_parameters (run->thread, arguments);
    for (guint i = 0; changed && i < changed->len; i++)
        json_object_array_add (list, json_object_new_string (g_ptr_array_index (changed, i)));
    post (run, "applied",
          qmp_object ("parameters", arguments, "answer", json_object_new_string ("ok"),
                      "changed_by_guard", list, NULL));
    return TRUE;
}

static gboolean
act (gpointer data, enum qmpmig_action action, GError **error G_GNUC_UNUSED)
{
    Run *run = data;

    switch (action) {
    case QMPMIG_ACTION_NONE:
        break;
    case QMPMIG_ACTION_POSTCOPY:
        run->postcopy_wanted = TRUE;
        thread_start_postcopy (run->thread);
        break;
    case QMPMIG_ACTION_PAUSE_GUEST:
        run->paused = TRUE;
        thread_stop_guest (run->thread);
        break;
    case QMPMIG_ACTION_CANCEL:
        thread_cancel (run->thread);
        break;
    }
    return TRUE;
}

static const HelmShip ship = { apply, act, post, notice };

static guint64
knobs (const Run *run)
{
    guint64 may = run->may;

    if (run->paused)
        may &= ~(guint64)(QMPMIG_MAY_POSTCOPY | QMPMIG_MAY_PAUSE_GUEST | QMPMIG_MAY_THROTTLE_UP |
                          QMPMIG_MAY_THROTTLE_DOWN);
    return run->postcopy_wanted ? 0 : may;
}

static void
look (Run *run, guint64 now_us)
{
    Sample sample = run->tracker.last;
    gboolean ended;

    thread_read (run->thread, &sample, &run->tracker.outlook);
    ended = sample.status == QMPMIG_STATUS_ENDED;
    run->tracker.postcopy = run->postcopy_wanted;
    sample.may = ended ? 0 : knobs (run);
    tracker_take (&run->tracker, &sample, &run->limits, now_us);
    if (run->setup->post)
        post (run, "sample",
              sample_to_json (&run->tracker.last, &run->tracker.outlook,
                              ended ? "completed" : "active", run->paused ? "paused" : "running"));
}

static void
read_result (const Run *run, gboolean stuck, SimResult *result)
{
    const ThreadEnd *end = thread_end (run->thread);
    const struct qmpmig_advice *advised = &run->helm.advised;

    *result = (SimResult){
        .outcome = stuck            ? SIM_STUCK
                   : end->cancelled ? SIM_CANCELLED
                                    : SIM_COMPLETED,
        .postcopy = end->postcopy,
        .total_us = stuck ? run->tracker.last.now_us : (guint64)end->total_us,
        .blackout_us = (guint64)end->blackout_us,
        .qemu_downtime_us = (guint64)end->qemu_downtime_us,
        .stall_us = (guint64)end->stall_us,
        .work_lost_us = (guint64)end->lost_us,
        .sent_bytes = stuck ? run->tracker.last.sent_bytes : (guint64)end->bytes,
        .left_bytes = (guint64)(end->completed ? 0 : thread_stop_bytes (run->thread)),
        .channels = run->channels,
        .passes = run->tracker.passes,
        .syncs = run->tracker.last.syncs,
        .throttle_integral_us = run->tracker.throttle_integral_us,
        .verdict = advised->verdict,
        .needs = advised->needs,
        .needed_downtime_us = advised->needed_downtime_us,
        .needed_bandwidth_bytes_per_s = advised->needed_bandwidth_bytes_per_s,
        .reason = advised->reason[0] ? g_strdup (advised->reason) : NULL,
        .least = bound_find (run->setup->workload, &run->setup->link, &run->setup->thread.machine,
                             &run->limits),
    };
}

/* --- from the start to the end --------------------------------------------------------------- */

/* Commands are answers to what was seen, and that QEMU showed when it looked: a replayed look that
 * comes later has its answer later. */
static double
obey (Run *run)
{
    const GArray *commands = run->setup->course->commands;

    while (run->commanded < commands->len) {
        const SimCommand *next = &g_array_index (commands, SimCommand, run->commanded);
        double wait_us = thread_after_sync_us (run->thread, next->syncs, (double)next->since_us);

        if (wait_us != 0)
            return wait_us < 0 ? LOOK_US : MIN (wait_us, LOOK_US);
        if (next->parameters)
            thread_set_parameters (run->thread, next->parameters);
        act (run, next->action, NULL);
        run->commanded++;
    }
    return INFINITY;
}

static gboolean
go_on (Run *run, double until_us)
{
    gboolean goes = TRUE;
    double now_us;

    if (!run->setup->course)
        return thread_run (run->thread, until_us);
    for (now_us = run->thread_us; goes && now_us < until_us;) {
        now_us = MIN (now_us + obey (run), until_us);
        goes = thread_run (run->thread, now_us);
    }
    run->thread_us = now_us;
    return goes;
}

static gboolean
is_postcopy_now (const Run *run)
{
    const SimCourse *course = run->setup->course;

    return course ? course->postcopy_now : run->limits.postcopy == QMPMIG_POSTCOPY_NOW;
}

static gboolean
sail (Run *run, SimResult *ret_result, GError **error)
{
    const ThreadSetup *setup = &run->setup->thread;
    QmpVersion version = { .major = setup->qemu_major, .minor = setup->qemu_minor };
    guint64 now_us = 0;
    gboolean goes = TRUE;

    /* The first look comes when `migrate` has been answered. */
    for (now_us = SAMPLE_US / 20; goes && now_us < run->setup->give_up_us; now_us += SAMPLE_US) {
        goes = go_on (run, (double)now_us);
        sampling_look (&run->sampling, run->thread, &version, &run->tracker, now_us);
        look (run, goes ? now_us : (guint64)thread_end (run->thread)->total_us);
        if (goes && is_postcopy_now (run) && run->tracker.passes > 0 && !run->postcopy_wanted)
            act (run, QMPMIG_ACTION_POSTCOPY, NULL);
        if (goes && !run->postcopy_wanted &&
            !helm_steer (&run->helm, &run->tracker, &ship, run, error))
            return FALSE;
        goes = goes && !thread_end (run->thread)->cancelled;
    }
    read_result (run, goes, ret_result);
    return TRUE;
}

static json_object *
arm (const Simulation *self, Run *run, ThreadSetup *setup, GError **error)
{
    json_object *parameters = NULL;

    policy_default_advice (&run->helm.advised);
    if (self->course) {
        arm_limits (self->options, &run->limits);
        setup->auto_converge = self->course->auto_converge;
        setup->postcopy = self->course->postcopy;
        setup->preempt = self->course->preempt;
        setup->channels = self->course->channels;
        setup->xbzrle_cache_bytes = self->course->xbzrle;
        return json_object_get (self->course->parameters);
    }
    run->helm.policy = arm_policy (self, setup, &run->limits, &run->helm.steers_throttle, &run->may,
                                   &parameters, error);
    return parameters;
}

gboolean
simulation_run (const Simulation *self, SimResult *ret_result, GError **error)
{
    Run run = { .setup = self, .helm.waits = TRUE };
    ThreadSetup setup = self->thread;
    g_autoptr (json_object) parameters = arm (self, &run, &setup, error);
    gboolean ok;

    if (!parameters)
        return FALSE;
    run.channels = setup.channels;
    tracker_init (&run.tracker);
    run.thread =
        thread_new (&setup, (const Area *)self->workload->areas->data, self->workload->areas->len,
                    (const Writer *)self->workload->writers->data, self->workload->writers->len,
                    &self->link, self->seed);
    thread_set_parameters (run.thread, parameters);
    post (&run, "plan", arm_to_json (&setup, parameters, is_postcopy_now (&run)));
    ok = sail (&run, ret_result, error);
    thread_free (run.thread);
    policy_free (run.helm.policy);
    return ok;
}

void
sim_result_clear (SimResult *self)
{
    g_clear_pointer (&self->reason, g_free);
}

const char *
sim_outcome_name (SimOutcome outcome)
{
    switch (outcome) {
    case SIM_COMPLETED:
        return "completed";
    case SIM_CANCELLED:
        return "cancelled";
    case SIM_STUCK:
        return "stuck";
    }
    return "stuck";
}
