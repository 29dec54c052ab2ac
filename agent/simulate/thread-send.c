/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Between two looks: pages go into the socket. */
#include <math.h>

#include "agent/simulate/thread-internal.h"

/* Of a turn of its loop. */
#define LEAST_US 1000.0

Postage
thread_postage (const Thread *self, double bytes_per_s, guint channels)
{
    const SimMachine *machine = &self->setup.machine;
    gboolean cached = self->setup.xbzrle_cache_bytes && self->syncs > 1;

    return (Postage){
        .us_per_byte = G_USEC_PER_SEC / bytes_per_s,
        .page_us = MAX (machine->page_us, machine->channel_page_us / MAX (channels, 1)),
        /* Through xbzrle's cache it goes like any other. */
        .zero_page_us = cached ? machine->page_us : machine->zero_page_us,
        .cache_pages = cached ? (double)self->setup.xbzrle_cache_bytes / SIM_PAGE : 0,
    };
}

/* As if the socket took a page whenever one has gone, and stayed full. */
static void
send_evenly (Thread *self, double us)
{
    Postage postage = thread_postage (self, thread_rate (self), self->setup.channels);
    double spent, room_us;

    self->room_us -= memory_send (self->memory, &postage, self->room_us, &self->traffic);
    spent = memory_send (self->memory, &postage, us, &self->traffic);
    room_us = self->room_us;
    if (spent < us) { /* nothing is left: it looks again at once */
        spent = MAX (spent, MIN (LEAST_US, us));
        self->slice_end_us = self->now_us + spent;
    }
    thread_pass_time (self, spent);
    self->room_us = room_us;
}

/* It is woken then, and runs when a processor is free for it. */
static void
block (Thread *self, double lump_us)
{
    double late_us = -log (1 - g_rand_double (self->chance)) * self->setup.machine.wake_us;

    self->blocked_us = self->now_us + lump_us - self->room_us + late_us;
}

/* Who has filled a socket sleeps until a part of it is empty, and fills it at once: thus two looks
 * may follow each other closely, and find little. */
static void
send_in_lumps (Thread *self, double us, double lump_us)
{
    Postage postage = thread_postage (self, thread_rate (self), self->setup.channels);
    Traffic before = self->traffic;
    double budget_us = MAX (self->room_us, LEAST_US), spent, took_us;

    if (thread_is_blocked (self)) {
        thread_pass_time (self, MIN (us, MAX (self->blocked_us - self->now_us, 1)));
        return;
    }
    spent = memory_send (self->memory, &postage, budget_us, &self->traffic);
    self->room_us -= (self->traffic.bytes - before.bytes) * postage.us_per_byte;
    took_us = (self->traffic.normal - before.normal + self->traffic.deltas - before.deltas) *
                  postage.page_us +
              (self->traffic.zero - before.zero) * postage.zero_page_us;
    thread_pass_time (self, MAX (took_us, spent < budget_us ? LEAST_US : 1));
    if (spent < budget_us)
        self->slice_end_us = self->now_us;
    else if (self->room_us <= 0)
        block (self, lump_us);
}

void
thread_send (Thread *self, double us)
{
    double lump_us = self->setup.machine.socket_lump * thread_socket_us (self);

    if (lump_us > 0)
        send_in_lumps (self, us, lump_us);
    else
        send_evenly (self, us);
}
