/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include <math.h>

#include "agent/simulate/thread-internal.h"
#include "qmp/value.h"

static gboolean
is_from (const Thread *self, guint major, guint minor)
{
    return self->setup.qemu_major > major ||
           (self->setup.qemu_major == major && self->setup.qemu_minor >= minor);
}

Thread *
thread_new (const ThreadSetup *setup, const Area *areas, guint count, const Writer *writers,
            guint writer_count, const Link *link, guint64 seed)
{
    const guint32 seeds[] = { (guint32)seed, (guint32)(seed >> 32) };
    Thread *self = g_new0 (Thread, 1);

    self->setup = *setup;
    self->chance = g_rand_new_with_seed_array (seeds, G_N_ELEMENTS (seeds));
    self->writers = g_memdup2 (writers, writer_count * sizeof *writers);
    self->writer_count = writer_count;
    for (guint i = 0; i < writer_count; i++)
        writer_start (&self->writers[i]);
    self->memory = memory_new (areas, count, self->writers, setup->kvm ? CLEAR_CHUNK : 0);
    self->socket_bytes =
        setup->machine.socket_bytes *
        (1 + setup->machine.socket_spread * (2 * g_rand_double (self->chance) - 1));
    self->link = *link;
    link_start (&self->link, self->chance);
    self->vcpu = (Vcpu){ .busy = setup->busy };
    self->downtime_limit_us = 300000;
    self->trigger_pct = 50;
    self->initial_pct = 20;
    self->increment_pct = 10;
    self->max_pct = 99;
    self->expected_us = self->downtime_limit_us;
    /* 9.2 brought it; 7.2 looks only when a pass is over. */
    self->forced_us = setup->auto_converge && is_from (self, 9, 2) ? FORCED_SYNC_US : INFINITY;
    return self;
}

void
thread_free (Thread *self)
{
    if (!self)
        return;
    memory_free (self->memory);
    g_rand_free (self->chance);
    g_free (self->writers);
    g_free (self);
}

void
thread_set_parameters (Thread *self, json_object *p)
{
    guint64 was_limit = (guint64)(self->downtime_limit_us / 1000);

    self->downtime_limit_us = (double)qmp_peek_uint (p, "downtime-limit", was_limit) * 1000;
    self->bandwidth = (double)qmp_peek_uint (p, "max-bandwidth", (guint64)self->bandwidth);
    self->switchover_bandwidth = (double)qmp_peek_uint (p, "avail-switchover-bandwidth",
                                                        (guint64)self->switchover_bandwidth);
    self->postcopy_bandwidth =
        (double)qmp_peek_uint (p, "max-postcopy-bandwidth", (guint64)self->postcopy_bandwidth);
    self->trigger_pct = (guint)qmp_peek_uint (p, "throttle-trigger-threshold", self->trigger_pct);
    self->initial_pct = (guint)qmp_peek_uint (p, "cpu-throttle-initial", self->initial_pct);
    self->increment_pct = (guint)qmp_peek_uint (p, "cpu-throttle-increment", self->increment_pct);
    self->max_pct = (guint)qmp_peek_uint (p, "max-cpu-throttle", self->max_pct);
    self->tailslow = qmp_peek_bool (p, "cpu-throttle-tailslow", self->tailslow);
    self->setup.xbzrle_cache_bytes =
        self->setup.xbzrle_cache_bytes
            ? qmp_peek_uint (p, "xbzrle-cache-size", self->setup.xbzrle_cache_bytes)
            : 0;
}

void
thread_start_postcopy (Thread *self)
{
    self->postcopy_wanted = TRUE;
}

void
thread_stop_guest (Thread *self)
{
    self->vcpu.stopped = TRUE;
}

void
thread_cancel (Thread *self)
{
    self->end.cancelled = TRUE;
    self->end.total_us = self->now_us;
    self->end.bytes = self->traffic.bytes;
}

const ThreadEnd *
thread_end (const Thread *self)
{
    return &self->end;
}

double
thread_left_bytes (const Thread *self)
{
    return memory_dirty (self->memory) * SIM_PAGE;
}

double
thread_rate (const Thread *self)
{
    return link_rate (&self->link, self->now_us);
}

double
thread_socket_us (const Thread *self)
{
    return self->socket_bytes / thread_rate (self) * G_USEC_PER_SEC + self->setup.machine.socket_us;
}

gboolean
thread_is_blocked (const Thread *self)
{
    return self->now_us < self->blocked_us;
}

void
thread_pass_time (Thread *self, double us)
{
    double work = vcpu_work_us (&self->vcpu, self->now_us, self->now_us + us);

    for (guint i = 0; i < self->writer_count; i++)
        writer_run (&self->writers[i], work, us);
    self->end.lost_us += us - work;
    self->now_us += us;
    self->room_us = MIN (self->room_us + us, thread_socket_us (self));
}

/* Whatever happens by the clock, up to now. */
static void
take_turns (Thread *self)
{
    for (guint i = 0; i < self->writer_count; i++)
        while (self->writers[i].next_us <= self->now_us)
            writer_turn (&self->writers[i], self->chance);
    link_turn (&self->link, self->now_us, self->chance);
    if (self->forced_us <= self->now_us)
        thread_forced_sync (self);
}

static double
next_turn_us (const Thread *self)
{
    double next = MIN (self->forced_us, link_next_us (&self->link, self->now_us));

    for (guint i = 0; i < self->writer_count; i++)
        next = MIN (next, self->writers[i].next_us);
    return next;
}

static void
measure (Thread *self)
{
    double us = self->now_us - self->window_us, bytes = self->traffic.bytes - self->window_bytes;
    double pages = self->traffic.normal + self->traffic.zero;
    double rate;

    if (us < WINDOW_US)
        return;
    self->rate = bytes * G_USEC_PER_SEC / us;
    self->pages_rate = (pages - self->window_pages) * G_USEC_PER_SEC / us;
    rate = self->switchover_bandwidth > 0 ? self->switchover_bandwidth : self->rate;
    self->threshold = rate * self->downtime_limit_us / G_USEC_PER_SEC;
    if (self->dirty_rate > 0 && bytes > 10000)
        self->expected_us = self->left_at_sync * G_USEC_PER_SEC / rate;
    self->window_us = self->now_us;
    self->window_bytes = self->traffic.bytes;
    self->window_pages = pages;
}

/* QEMU reads the clock once in so many pages. */
static double
slice_us (Thread *self)
{
    double pages_us = CLOCK_PAGES * SIM_PAGE / thread_rate (self) * G_USEC_PER_SEC;

    return SLICE_US +
           (self->setup.machine.socket_lump > 0 ? g_rand_double (self->chance) : 0.5) * pages_us;
}

/* Between two slices. FALSE: it was the last. */
static gboolean
decide (Thread *self)
{
    measure (self);
    if (thread_left_bytes (self) < self->threshold)
        thread_sync (self);
    if (self->postcopy_wanted) {
        thread_switch_to_postcopy (self);
        return FALSE;
    }
    if (thread_left_bytes (self) < self->threshold) {
        thread_complete (self);
        return FALSE;
    }
    self->slice_end_us = self->now_us + slice_us (self);
    return TRUE;
}

/* Nobody looks up while the socket is full. */
static double
until_stop_us (const Thread *self, double until_us)
{
    double stop_us = MIN (until_us, next_turn_us (self));

    return MAX (
        (thread_is_blocked (self) ? stop_us : MIN (stop_us, self->slice_end_us)) - self->now_us, 1);
}

static void
start (Thread *self)
{
    self->started = TRUE;
    thread_pass_time (self, self->setup.machine.setup_us);
    self->syncs = 1;
    self->rated_us = self->synced_us = self->window_us = self->slice_end_us = self->now_us;
    self->left_at_sync = thread_left_bytes (self);
    self->room_us = thread_socket_us (self);
    if (isfinite (self->forced_us))
        self->forced_us += self->now_us;
}

gboolean
thread_run (Thread *self, double until_us)
{
    if (!self->started)
        start (self);
    while (self->now_us < until_us && !self->end.completed && !self->end.cancelled) {
        take_turns (self);
        if (!thread_is_blocked (self) && self->now_us >= self->slice_end_us && !decide (self))
            return FALSE;
        thread_send (self, until_stop_us (self, until_us));
    }
    return !self->end.completed && !self->end.cancelled;
}
