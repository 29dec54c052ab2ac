/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* What was written in the last WINDOW of time before the guest runs there has to go over the link
 * in that window. A throttle or a standstill of LOST in it spares the guest's writing in as much
 * time, at most: so for each window, the link's rate times WINDOW is at least what is written in
 * WINDOW - LOST. Chance is counted as kind as it can be. */
#include "agent/simulate/bound.h"

#include <math.h>

#define PAGE_HEADER  8
#define DELTA_HEADER 11
#define ZERO_BYTES   9
/* Windows that are looked at, each longer by the same part than the one before. */
#define WINDOWS     160
#define SHORTEST_US 1000.0
#define BISECTIONS  40
/* The weakest of a writer's phases, and how far a wandering link goes. */
#define WEAKEST_PHASE 0.25
#define LUCKY         3.0

typedef struct {
    const Workload *workload;
    double rate, late_rate; /* of the link: bytes per microsecond; once it has stepped */
    double late_us;         /* windows up to so long are behind the step */
} Case;

static double
page_bytes (const Writer *w)
{
    return MIN (w->delta_bytes + DELTA_HEADER, SIM_PAGE + PAGE_HEADER);
}

/* Of the last WINDOW_US, how long a writer in turns writes at least. */
static double
active_us (const Writer *w, double window_us)
{
    double turn_us = w->on_us + w->off_us;

    if (w->on_us <= 0)
        return window_us;
    return floor (window_us / turn_us) * w->on_us + MAX (fmod (window_us, turn_us) - w->off_us, 0);
}

/* Bytes that distinct pages need that are written in so much time at full speed. */
static double
written_bytes (const Writer *w, double us)
{
    double force = w->on_us <= 0 && w->phase_us > 0 ? WEAKEST_PHASE : 1;
    double writes = w->pages_per_s * force * MAX (us, 0) / G_USEC_PER_SEC;
    double pages =
        w->kind == WRITER_SWEEP ? MIN (writes, w->pages) : -w->pages * expm1 (-writes / w->pages);

    return pages * page_bytes (w);
}

/* SPARED_US of the window nobody writes; in the rest the guest runs at SPEED, devices at their own.
 */
static double
window_bytes (const Workload *self, double window_us, double spared_us, double speed)
{
    double bytes = 0;

    for (guint i = 0; i < self->writers->len; i++) {
        const Writer *w = &g_array_index (self->writers, Writer, i);

        bytes += written_bytes (w, (active_us (w, window_us) - spared_us) * (w->is_io ? 1 : speed));
    }
    return bytes;
}

static double
link_bytes (const Case *self, double window_us)
{
    return window_us * (window_us <= self->late_us ? self->late_rate : self->rate);
}

static double
least_lost_us (const Case *self, double window_us)
{
    double low = 0, high = window_us, carried = link_bytes (self, window_us);

    if (window_bytes (self->workload, window_us, 0, 1) <= carried)
        return 0;
    for (guint i = 0; i < BISECTIONS; i++) {
        double lost = (low + high) / 2;

        if (window_bytes (self->workload, window_us, lost, 1) > carried)
            low = lost;
        else
            high = lost;
    }
    return low;
}

static double
all_written_bytes (const Workload *self)
{
    double bytes = 0;

    for (guint i = 0; i < self->writers->len; i++) {
        const Writer *w = &g_array_index (self->writers, Writer, i);

        bytes += w->pages * page_bytes (w);
    }
    return bytes;
}

/* A longer window than what all that is ever written needs tells nothing. */
static void
search (const Case *self, double speed, Bound *bound)
{
    double longest = all_written_bytes (self->workload) / MIN (self->rate, self->late_rate);
    double step = pow (MAX (longest / SHORTEST_US, 1), 1.0 / WINDOWS), us = SHORTEST_US;

    for (guint i = 0; i <= WINDOWS; i++, us *= step) {
        double bytes = window_bytes (self->workload, us, 0, speed);
        double lost = least_lost_us (self, us), rate = link_bytes (self, us) / us;

        bound->work_lost_us = MAX (bound->work_lost_us, lost);
        bound->blackout_us = MAX (bound->blackout_us, bytes / rate - us);
    }
}

static double
memory_bytes (const Workload *self)
{
    double bytes = 0;

    for (guint i = 0; i < self->areas->len; i++) {
        const Area *area = &g_array_index (self->areas, Area, i);
        double idle = area->pages;

        for (guint k = 0; k < area->writers; k++)
            idle -= g_array_index (self->writers, Writer, area->first_writer + k).pages;
        bytes += (area->pages - idle * area->zero) * (SIM_PAGE + PAGE_HEADER);
        bytes += idle * area->zero * ZERO_BYTES;
    }
    return bytes;
}

/* Bytes per microsecond. */
static double
rate_of (double bytes_per_s, const Limits *limits)
{
    double limit = (double)limits->bandwidth_bytes_per_s;

    return (limit > 0 ? MIN (bytes_per_s, limit) : bytes_per_s) / G_USEC_PER_SEC;
}

static double
once_us (const Workload *workload, const Link *link, const Limits *limits)
{
    double bytes = memory_bytes (workload);
    double before = rate_of (link->bytes_per_s, limits) * link->step_us;

    if (link->step_us <= 0 || bytes <= before)
        return bytes / rate_of (link->bytes_per_s, limits);
    return link->step_us + (bytes - before) / rate_of (link->step_bytes_per_s, limits);
}

static double
lucky_rate (double bytes_per_s, const Link *link, const Limits *limits)
{
    return rate_of (bytes_per_s * (1 + LUCKY * link->noise), limits);
}

Bound
bound_find (const Workload *workload, const Link *link, const SimMachine *machine,
            const Limits *limits)
{
    double fixed_us = machine->switch_us + machine->notice_us;
    double runs = 1 - (double)limits->max_throttle_pct / 100;
    Bound bound = { .total_us = once_us (workload, link, limits) };
    Case c = { .workload = workload,
               .rate = lucky_rate (link->bytes_per_s, link, limits),
               .late_rate = lucky_rate (link->step_bytes_per_s, link, limits),
               .late_us = bound.total_us - link->step_us };

    if (link->step_us <= 0)
        c.late_rate = c.rate;
    c.rate = MAX (c.rate, c.late_rate);
    search (&c, MIN (runs / workload->busy, 1), &bound);
    bound.total_us += machine->setup_us + fixed_us;
    bound.work_lost_us += fixed_us;
    bound.blackout_us += fixed_us;
    return bound;
}
