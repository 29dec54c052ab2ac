/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "agent/simulate/sampling.h"

#include "agent/migration/dirty-samples.h"

static void
begin (Sampling *self, Thread *thread, const QmpVersion *version, const Sample *last,
       guint64 now_us)
{
    self->time_ms = dirty_samples_next_ms (self->taken, last, version);
    self->since_us = now_us;
    if (self->time_ms > 0)
        thread_begin_sample (thread);
}

void
sampling_look (Sampling *self, Thread *thread, const QmpVersion *version, Tracker *tracker,
               guint64 now_us)
{
    guint64 during_us = (guint64)self->time_ms * G_TIME_SPAN_MILLISECOND;
    const Sample *last = &tracker->last;

    if (last->syncs > 1 || now_us < DIRTY_SAMPLES_SETTLED_US)
        return;
    if (self->time_ms == 0) {
        begin (self, thread, version, last, now_us);
    } else if (now_us > self->since_us + during_us) {
        dirty_samples_take (&tracker->estimate, last, self->time_ms,
                            (guint64)thread_sampled_bytes (thread, (double)during_us));
        self->time_ms = 0;
        self->taken++;
    }
}
