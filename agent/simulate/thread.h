/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* QEMU's migration thread: slices of sending, windows of measuring, syncs, the throttle's trigger,
 * the switchover. As in QEMU 10.0 (migration/migration.c, ram.c, cpu-throttle.c), with what was
 * otherwise in older ones. Time is its own: microseconds since `migrate`. */
#pragma once

#include "agent/simulate/link.h"
#include "agent/simulate/memory.h"
#include "agent/simulate/vcpu.h"
#include "agent/steering/sample.h"

/* How long things take on the machine that is simulated. */
typedef struct {
    double setup_us;              /* until the first page goes */
    double page_us, zero_page_us; /* of the migration thread, for a page */
    double channel_page_us;       /* of a channel, for a page on its way into the socket */
    double socket_bytes;          /* that wait in the socket when it is full ... */
    double socket_us;             /* ... and of the link's time, what is on its way */
    double socket_spread;         /* by such a share one connection's differs from another's */
    double socket_lump;           /* share that is empty before a full one takes more; 0: any */
    double wake_us;               /* until one that was woken runs */
    double switch_us;             /* of the blackout, without memory */
    double notice_us;             /* from the last byte until we have seen the guest run */
    double postcopy_us, fault_us; /* switch to postcopy; one fault without load */
    double postcopy_downtime_us;  /* of that switch, what QEMU calls its downtime */
} SimMachine;

typedef struct {
    guint qemu_major, qemu_minor;
    gboolean kvm;
    guint vcpus;
    double busy; /* share of its processors that the guest uses */
    gboolean auto_converge, postcopy, preempt;
    guint64 xbzrle_cache_bytes; /* 0: off */
    guint channels;             /* multifd's; 0: off */
    SimMachine machine;
} ThreadSetup;

typedef struct Thread Thread;

typedef struct {
    gboolean completed, cancelled, postcopy;
    double total_us;
    double blackout_us, qemu_downtime_us, stall_us, lost_us;
    double bytes;
} ThreadEnd;

/* WRITERS, LINK and AREAS are copied. */
Thread *thread_new (const ThreadSetup *setup, const Area *areas, guint count, const Writer *writers,
                    guint writer_count, const Link *link, guint64 seed);
void thread_free (Thread *self);
G_DEFINE_AUTOPTR_CLEANUP_FUNC (Thread, thread_free)

/* migrate-set-parameters; what it does not know is ignored, as it is checked above. */
void thread_set_parameters (Thread *self, json_object *parameters);
void thread_start_postcopy (Thread *self);
void thread_stop_guest (Thread *self);
void thread_cancel (Thread *self);
/* TRUE while it goes on. */
gboolean thread_run (Thread *self, double until_us);
/* When it has looked so many times at what is dirty, and SINCE_US have passed: in how long, from
 * now on; below 0: it has not looked yet. */
double thread_after_sync_us (const Thread *self, guint64 syncs, double since_us);
/* What query-migrate and query-migrate-parameters would say. */
void thread_read (const Thread *self, Sample *sample, Outlook *outlook);
const ThreadEnd *thread_end (const Thread *self);
/* Of pages to be sent if the guest stopped now. */
double thread_stop_bytes (Thread *self);
/* Samples of pages, one at a time: what is written in US from the moment that one began, by what
 * has been until now. */
void thread_begin_sample (Thread *self);
double thread_sampled_bytes (const Thread *self, double us);
