/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Between the files of the migration thread. */
#pragma once

#include "agent/simulate/thread.h"

#define SLICE_US       50000.0 /* ram_save_iterate() looks up then */
#define CLOCK_PAGES    64
#define WINDOW_US      100000.0  /* over which the rate is measured, and QEMU's own limit is kept */
#define RATED_US       1000000.0 /* syncs closer to each other rate nothing */
#define FORCED_SYNC_US 5000000.0 /* a sync by the clock, with auto-converge */
#define CLEAR_CHUNK    262144.0  /* pages of which KVM clears the log together */

struct Thread {
    ThreadSetup setup;
    Memory *memory;
    Writer *writers;
    guint writer_count;
    Link link;
    Vcpu vcpu;
    GRand *chance;
    /* parameters */
    double downtime_limit_us, bandwidth, switchover_bandwidth, postcopy_bandwidth;
    guint trigger_pct, initial_pct, increment_pct, max_pct;
    gboolean tailslow;
    /* now */
    double now_us, slice_end_us;
    gboolean started, postcopy_wanted;
    Traffic traffic;
    /* the window */
    double window_us, window_bytes, window_pages;
    double socket_bytes;     /* of this connection */
    double room_us;          /* of the link's time, that the socket can take at once */
    double blocked_us;       /* until then: the socket is full */
    double rate, pages_rate; /* per second */
    double threshold;        /* bytes: less can be sent within the limit */
    double expected_us;
    /* syncs */
    guint64 syncs;
    double synced_us;                            /* the last */
    double rated_us, period_dirty, period_bytes; /* since the last rated one */
    double dirty_rate;                           /* pages per second */
    double left_at_sync;                         /* bytes */
    guint hits;
    double forced_us;
    guint64 forced_syncs;
    ThreadEnd end;
    guint64 postcopy_requests;
    double postcopy_end_us;
    double sample_us; /* when a sample of pages began */
};

double thread_left_bytes (const Thread *self);
/* What pages cost over so many channels; 0 is QEMU's own one. */
Postage thread_postage (const Thread *self, double bytes_per_s, guint channels);
double thread_rate (const Thread *self);      /* bytes per second that the link takes */
double thread_socket_us (const Thread *self); /* of the link's time, that a full socket holds */
gboolean thread_is_blocked (const Thread *self);
/* For US, or less when nothing is left. */
void thread_send (Thread *self, double us);
void thread_sync (Thread *self);
void thread_forced_sync (Thread *self);
void thread_complete (Thread *self);
void thread_switch_to_postcopy (Thread *self);
void thread_pass_time (Thread *self, double us);
