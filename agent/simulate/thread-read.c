/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* What the simulated QEMU answers, in the fields of a sample. */
#include "agent/simulate/thread-internal.h"

static void
read_deltas (const Thread *self, Sample *s)
{
    const Traffic *t = &self->traffic;

    if (!self->setup.xbzrle_cache_bytes)
        return;
    s->xbzrle_cache_bytes = self->setup.xbzrle_cache_bytes;
    s->xbzrle_pages = (guint64)t->deltas;
    s->xbzrle_bytes = (guint64)t->delta_bytes;
    s->xbzrle_misses = (guint64)t->misses;
    s->xbzrle_overflow = (guint64)t->overflows;
    s->xbzrle_miss_ppm = 0;
    s->xbzrle_encoding_ppm =
        t->delta_bytes > 0 ? (guint64)(1e6 * t->deltas * SIM_PAGE / t->delta_bytes) : 0;
}

static void
read_parameters (const Thread *self, Sample *s)
{
    s->downtime_limit_us = (guint64)self->downtime_limit_us;
    s->bandwidth_limit_bytes_per_s = (guint64)self->bandwidth;
    s->postcopy_bandwidth_bytes_per_s = (guint64)self->postcopy_bandwidth;
    s->switchover_bandwidth_bytes_per_s = (guint64)self->switchover_bandwidth;
}

static void
read_counters (const Thread *self, Sample *s)
{
    s->total_bytes = (guint64)(memory_pages (self->memory) * SIM_PAGE);
    s->remaining_bytes = (guint64)memory_dirty (self->memory) * (guint64)SIM_PAGE;
    s->sent_bytes = s->precopy_bytes = (guint64)self->traffic.bytes;
    s->postcopy_bytes = s->multifd_bytes = 0;
    s->normal_pages = (guint64)self->traffic.normal;
    s->zero_pages = (guint64)self->traffic.zero;
    s->page_size_bytes = (guint64)SIM_PAGE;
    s->pages_per_s = (guint64)self->pages_rate;
    s->syncs = self->syncs;
    s->postcopy_requests = self->postcopy_requests;
    s->elapsed_us = (guint64)self->now_us;
    s->setup_us = (guint64)self->setup.machine.setup_us;
    s->expected_downtime_us = (guint64)self->expected_us;
    s->bandwidth_bytes_per_s = (guint64)self->rate;
}

void
thread_read (const Thread *self, Sample *s, Outlook *outlook)
{
    read_counters (self, s);
    read_parameters (self, s);
    read_deltas (self, s);
    if (self->syncs > 1)
        s->dirty_bytes_per_s = (guint64)(self->dirty_rate * SIM_PAGE);
    if (self->vcpu.throttle > 0)
        s->throttle_pct = (guint64)(self->vcpu.throttle * 100 + 0.5);
    s->status =
        self->end.completed || self->end.cancelled ? QMPMIG_STATUS_ENDED : QMPMIG_STATUS_ACTIVE;
    sample_take_run_state (s, self->vcpu.stopped    ? "paused"
                              : self->end.completed ? "postmigrate"
                                                    : "running");
    if (self->end.completed)
        outlook->downtime_us = (guint64)self->end.qemu_downtime_us;
}

void
thread_begin_sample (Thread *self)
{
    self->sample_us = self->now_us;
    for (guint i = 0; i < self->writer_count; i++)
        self->writers[i].sampled = self->writers[i].done;
}

double
thread_sampled_bytes (const Thread *self, double us)
{
    double part = us / MAX (self->now_us - self->sample_us, 1), pages = 0;

    for (guint i = 0; i < self->writer_count; i++) {
        const Writer *w = &self->writers[i];

        pages += writer_reached (w, (w->done - w->sampled) * part);
    }
    return pages * SIM_PAGE;
}
