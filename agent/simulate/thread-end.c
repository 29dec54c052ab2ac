/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* How it ends: the switchover, or postcopy. */
#include <math.h>

#include "agent/simulate/thread-internal.h"

#define PAGE_WIRE_BYTES (SIM_PAGE + 8)

static double
send_all (Thread *self, double bytes_per_s, guint channels)
{
    Postage postage = thread_postage (self, bytes_per_s, channels);

    return memory_send (self->memory, &postage, INFINITY, &self->traffic);
}

double
thread_stop_bytes (Thread *self)
{
    memory_sync (self->memory);
    return thread_left_bytes (self);
}

static void
finish (Thread *self)
{
    self->end.total_us = self->now_us + self->setup.machine.notice_us;
    self->end.bytes = self->traffic.bytes;
    self->end.stall_us = MAX (self->end.stall_us, self->end.blackout_us);
}

void
thread_complete (Thread *self)
{
    double rate = link_rate (&self->link, self->now_us), us;

    memory_sync (self->memory);
    self->syncs++;
    us = self->setup.machine.switch_us + MAX (thread_socket_us (self) - self->room_us, 0) +
         send_all (self, rate, self->setup.channels);
    self->now_us += us;
    self->end.completed = TRUE;
    self->end.qemu_downtime_us = us;
    self->end.blackout_us = self->vcpu.stopped ? 0 : us + self->setup.machine.notice_us;
    self->end.lost_us += us + self->setup.machine.notice_us;
    finish (self);
}

/* Its pages go through one channel, whatever there was before. */
static double
postcopy_rate (const Thread *self, double link)
{
    double channel = SIM_PAGE / self->setup.machine.channel_page_us * G_USEC_PER_SEC;

    return MIN (self->postcopy_bandwidth > 0 ? MIN (link, self->postcopy_bandwidth) : link,
                channel);
}

/* The guest runs at the destination; what it touches and is not there yet has to be asked for. A
 * request without preempt waits behind what the socket holds. */
void
thread_switch_to_postcopy (Thread *self)
{
    const SimMachine *machine = &self->setup.machine;
    double link = link_rate (&self->link, self->now_us);
    double rate = postcopy_rate (self, link);
    double queue_us = self->setup.preempt ? 0 : machine->socket_bytes / link * G_USEC_PER_SEC;
    double switch_us = machine->postcopy_us + machine->socket_bytes / link * G_USEC_PER_SEC;
    double left_us = thread_left_bytes (self) / rate * G_USEC_PER_SEC, faults, wait_us;

    thread_sync (self);
    left_us = thread_left_bytes (self) / rate * G_USEC_PER_SEC;
    faults = memory_faults (self->memory, left_us);
    wait_us = queue_us + machine->fault_us + PAGE_WIRE_BYTES / link * G_USEC_PER_SEC;
    self->end.postcopy = self->end.completed = TRUE;
    self->end.qemu_downtime_us = machine->postcopy_downtime_us;
    self->end.blackout_us = switch_us + machine->notice_us;
    /* With more faults than can be answered the guest stands still all along. */
    {
        double lost_us = MIN (faults * wait_us / self->setup.vcpus, left_us);
        double still = left_us > 0 ? lost_us / left_us : 0;

        self->end.stall_us =
            MAX (self->end.stall_us, self->end.blackout_us + MAX (wait_us, lost_us * still));
        self->end.lost_us += self->end.blackout_us + lost_us;
    }
    self->postcopy_requests = (guint64)faults;
    send_all (self, rate, 0);
    self->now_us += switch_us + left_us;
    finish (self);
}
