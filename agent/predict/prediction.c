/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "agent/predict/prediction.h"

#include "agent/simulate/machine.h"

/* One that takes longer than so many times its memory's way over the link, and than this, does not
 * converge. */
#define PATIENCE    10
#define PATIENCE_US (3 * G_TIME_SPAN_MINUTE)

void
prediction_clear (Prediction *self)
{
    g_clear_pointer (&self->reason, g_free);
}

void
predictor_clear (Predictor *self)
{
    for (guint i = 0; i < FIT_COUNT; i++) {
        workload_clear (&self->workloads[i]);
        g_clear_pointer (&self->terms[i], g_free);
    }
}

/* Of memory that was touched some is zero all the same: what a kernel has cleared and not used
 * since, and the rest of huge pages. So much of all memory, and at most so much of what was
 * touched. */
#define CLEARED     0.035
#define MOST_ZEROED 0.1

static ThreadSetup
thread_setup (const Measurement *measured, const char *uri)
{
    return (ThreadSetup){ .qemu_major = measured->qemu_major,
                          .qemu_minor = measured->qemu_minor,
                          .kvm = measured->kvm,
                          .vcpus = measured->vcpus,
                          .busy = 1,
                          .machine = machine_new (measured->kvm, uri) };
}

gboolean
predictor_init (Predictor *self, const Measurement *measured, MigrateOptions *options,
                GError **error)
{
    double full = measured->touched - MIN (CLEARED, MOST_ZEROED * measured->touched);
    double zero = measured->touched >= 0 ? 1 - full : 0;

    *self = (Predictor){ .ram_bytes = measured->ram_bytes };
    self->simulation = (Simulation){ .thread = thread_setup (measured, options->uri),
                                     .options = options,
                                     .seed = 1 };
    for (guint i = 0; i < FIT_COUNT; i++) {
        self->terms[i] =
            curve_fit (measured->points, measured->count, (Fit)i, measured->ram_bytes, zero);
        if (!workload_parse (&self->workloads[i], "the guest", self->terms[i], measured->ram_bytes,
                             error))
            return FALSE;
    }
    return TRUE;
}

/* --- one answer ------------------------------------------------------------------------------ */

static void
widen (Range *range, guint64 value, gboolean is_likely)
{
    range->least = MIN (range->least, value);
    range->most = MAX (range->most, value);
    if (is_likely)
        range->expected = value;
}

static void
count_in (Prediction *to, const SimResult *result, gboolean is_likely, guint64 deadline_us)
{
    to->runs++;
    if (result->outcome != SIM_COMPLETED) {
        g_free (to->reason);
        to->reason = g_strdup (result->reason);
        return;
    }
    to->completed++;
    to->postcopy |= result->postcopy;
    to->late |= deadline_us && result->total_us > deadline_us;
    widen (&to->total_us, result->total_us, is_likely);
    widen (&to->blackout_us, result->blackout_us, is_likely);
    widen (&to->work_lost_us, result->work_lost_us, is_likely);
}

static guint64
patience_us (const Predictor *self)
{
    double once_us = (double)self->ram_bytes / self->simulation.link.bytes_per_s * G_USEC_PER_SEC;

    return (guint64)MAX (PATIENCE * once_us, PATIENCE_US);
}

gboolean
predictor_run (Predictor *self, gboolean whole, Prediction *ret_prediction, GError **error)
{
    const Range none = { .least = G_MAXUINT64, .expected = G_MAXUINT64 };
    Simulation *s = &self->simulation;
    g_auto (Prediction) made = { .total_us = none, .blackout_us = none, .work_lost_us = none };

    s->link = (Link){ .bytes_per_s = (double)s->options->bandwidth_bytes_per_s };
    s->give_up_us = patience_us (self);
    for (guint i = FIT_COUNT; i-- > 0 && (whole || made.completed == made.runs);) {
        g_auto (SimResult) result = { 0 };

        s->workload = &self->workloads[i];
        if (!simulation_run (s, &result, error))
            return FALSE;
        count_in (&made, &result, i == FIT_LIKELY, s->options->deadline_us);
    }
    made.converges = made.completed == made.runs && !made.late;
    *ret_prediction = made;
    made = (Prediction){ 0 };
    return TRUE;
}
