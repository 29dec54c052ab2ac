/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* QEMU's look at which pages are dirty, and what follows from it. */
#include "agent/simulate/thread-internal.h"

/* The second time that more gets dirty than goes out: up, and never down but by a lower maximum. */
static void
throttle_up (Thread *self, double dirtied, double allowed)
{
    double now = self->vcpu.throttle * 100, more = self->increment_pct;

    if (now == 0) {
        vcpu_throttle (&self->vcpu, self->initial_pct / 100.0, self->now_us);
        return;
    }
    if (self->tailslow) {
        double kept = 100 - now, ideal = kept * allowed / dirtied;

        more = MIN (more, MAX (kept - ideal, 0));
    }
    vcpu_throttle (&self->vcpu, (guint)MIN (now + more + 0.5, self->max_pct) / 100.0, self->now_us);
}

static void
trigger (Thread *self, double sent)
{
    double dirtied = self->period_dirty * SIM_PAGE;
    double allowed = sent * self->trigger_pct / 100;

    if (dirtied <= allowed || ++self->hits < 2)
        return;
    self->hits = 0;
    if (self->setup.auto_converge)
        throttle_up (self, dirtied, allowed);
    self->end.stall_us = MAX (self->end.stall_us, vcpu_stall_us (&self->vcpu));
}

static void
rate (Thread *self)
{
    double us = self->now_us - self->rated_us;

    if (us <= RATED_US)
        return;
    trigger (self, self->traffic.bytes - self->period_bytes);
    self->dirty_rate = self->period_dirty * G_USEC_PER_SEC / us;
    self->rated_us = self->now_us;
    self->period_dirty = 0;
    self->period_bytes = self->traffic.bytes;
}

/* Under TCG it is over when each vCPU has been seen awake; the clock is read then. */
void
thread_sync (Thread *self)
{
    self->period_dirty += memory_sync (self->memory);
    self->syncs++;
    self->synced_us = self->now_us;
    self->left_at_sync = thread_left_bytes (self);
    if (!self->setup.kvm)
        thread_pass_time (self, vcpu_sleeps_us (&self->vcpu, self->now_us));
    rate (self);
}

double
thread_after_sync_us (const Thread *self, guint64 syncs, double since_us)
{
    if (self->syncs < syncs)
        return -1;
    return self->syncs > syncs ? 0 : MAX (self->synced_us + since_us - self->now_us, 0);
}

void
thread_forced_sync (Thread *self)
{
    self->forced_us += FORCED_SYNC_US;
    if (self->syncs > 1 && self->syncs == self->forced_syncs)
        thread_sync (self);
    self->forced_syncs = self->syncs;
}
