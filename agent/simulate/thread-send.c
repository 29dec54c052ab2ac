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

/* Of the link's time: QEMU writes what its own limit permits in a window as fast as it can, which
 * fills the socket like no limit does, and then waits for the next window. */
static double
allowed_us (const Thread *self, const Postage *postage)
{
    double quota = self->bandwidth * WINDOW_US / G_USEC_PER_SEC;
    double left = quota - (self->traffic.bytes - self->window_bytes);

    if (self->bandwidth <= 0)
        return INFINITY;
    return left * MAX (postage->us_per_byte, postage->page_us / SIM_PAGE);
}

/* A little beyond the window's end, which a sum of two doubles may miss. */
static void
wait_for_window (Thread *self)
{
    self->blocked_us = self->slice_end_us = self->window_us + WINDOW_US + 1;
}

/* As if the socket took a page whenever one has gone, and stayed full. */
static void
send_evenly (Thread *self, const Postage *postage, double us, double most_us)
{
    double fill_us = MIN (self->room_us, most_us), spent, room_us;

    fill_us = memory_send (self->memory, postage, fill_us, &self->traffic);
    self->room_us -= fill_us;
    us = MIN (us, most_us - fill_us);
    spent = memory_send (self->memory, postage, us, &self->traffic);
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
send_in_lumps (Thread *self, const Postage *postage, double lump_us, double most_us)
{
    Traffic before = self->traffic;
    double budget_us = MIN (MAX (self->room_us, LEAST_US), most_us), spent, took_us;

    spent = memory_send (self->memory, postage, budget_us, &self->traffic);
    self->room_us -= (self->traffic.bytes - before.bytes) * postage->us_per_byte;
    took_us = (self->traffic.normal - before.normal + self->traffic.deltas - before.deltas) *
                  postage->page_us +
              (self->traffic.zero - before.zero) * postage->zero_page_us;
    thread_pass_time (self, MAX (took_us, spent < budget_us ? LEAST_US : 1));
    if (spent < budget_us)
        self->slice_end_us = self->now_us;
    else if (self->room_us <= 0)
        block (self, lump_us);
}

void
thread_send (Thread *self, double us)
{
    Postage postage = thread_postage (self, thread_rate (self), self->setup.channels);
    double lump_us = self->setup.machine.socket_lump * thread_socket_us (self);
    double most_us = allowed_us (self, &postage);

    if (most_us < 1 && !thread_is_blocked (self))
        wait_for_window (self);
    if (thread_is_blocked (self))
        thread_pass_time (self, MIN (us, MAX (self->blocked_us - self->now_us, 1)));
    else if (most_us >= 1 && lump_us > 0)
        send_in_lumps (self, &postage, lump_us, most_us);
    else if (most_us >= 1)
        send_evenly (self, &postage, us, most_us);
}
