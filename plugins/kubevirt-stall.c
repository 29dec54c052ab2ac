/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "kubevirt-stall.h"

#include <math.h>
#include <string.h>

#include "qmpmig-plugin.h"

#define ALPHA 0.4 /* weight of the newest bandwidth */
#define DECAY 0.5 /* of the patience, each time it is over */

void
stall_take_bandwidth (struct stall *self, uint64_t bytes_per_s)
{
    double now = (double)bytes_per_s;

    if (bytes_per_s == QMPMIG_UNKNOWN)
        return;
    self->bandwidth_bytes_per_s = self->bandwidth_bytes_per_s > 0
                                      ? ALPHA * now + (1 - ALPHA) * self->bandwidth_bytes_per_s
                                      : now;
}

static void
drop_first (struct stall *self)
{
    uint64_t remaining = self->candidates[0].remaining_bytes;

    if (remaining < self->before_bytes)
        self->before_bytes = remaining;
    self->count--;
    memmove (self->candidates, self->candidates + 1, self->count * sizeof *self->candidates);
}

static void
age (struct stall *self, uint64_t at_us)
{
    while (self->count && at_us - self->candidates[0].at_us > self->window_us)
        drop_first (self);
}

static void
add_candidate (struct stall *self, uint64_t at_us, uint64_t remaining_bytes)
{
    if ((self->before_bytes != QMPMIG_UNKNOWN && remaining_bytes > self->before_bytes) ||
        (self->count && remaining_bytes >= self->candidates[self->count - 1].remaining_bytes))
        return;
    if (self->count == STALL_CANDIDATES)
        drop_first (self);
    self->candidates[self->count++] = (struct stall_entry){ at_us, remaining_bytes };
}

static int
has_stalled (const struct stall *self, uint64_t remaining_bytes)
{
    return self->before_bytes != QMPMIG_UNKNOWN &&
           (double)remaining_bytes >=
               (double)self->before_bytes * (1 - (double)self->margin_pct / 100);
}

static void
begin (struct stall *self, uint64_t at_us)
{
    self->stalled = 1;
    self->best_bytes = (double)self->before_bytes;
    if (self->count)
        self->best_bytes =
            fmin (self->best_bytes, (double)self->candidates[self->count - 1].remaining_bytes);
    self->patience_us = (double)self->window_us;
    self->until_us = (double)at_us + self->patience_us;
}

static uint64_t
take_smallest (struct stall *self)
{
    size_t smallest = 0;
    uint64_t value;

    for (size_t i = 1; i < self->length; i++)
        if (self->history[i] < self->history[smallest])
            smallest = i;
    value = self->history[smallest];
    self->history[smallest] = self->history[--self->length];
    return value;
}

/* As little as it was at best will do; as that does not come back, less will do. */
static void
go_on (struct stall *self, uint64_t at_us, uint64_t remaining_bytes)
{
    if (self->length < STALL_HISTORY)
        self->history[self->length++] = remaining_bytes;
    if ((double)at_us < self->until_us)
        return;
    self->best_bytes = (double)take_smallest (self);
    self->patience_us *= DECAY;
    self->until_us = (double)at_us + self->patience_us;
}

int
stall_take_pass (struct stall *self, uint64_t at_us, uint64_t remaining_bytes)
{
    if (self->bandwidth_bytes_per_s <= 0)
        return 0;
    age (self, at_us);
    add_candidate (self, at_us, remaining_bytes);
    if (self->stalled)
        go_on (self, at_us, remaining_bytes);
    else if (has_stalled (self, remaining_bytes))
        begin (self, at_us);
    return self->stalled &&
           (double)remaining_bytes <= self->best_bytes * (1 + (double)self->margin_pct / 100);
}

double
stall_downtime_us (const struct stall *self, uint64_t remaining_bytes)
{
    return (double)remaining_bytes / self->bandwidth_bytes_per_s * 1e6;
}
