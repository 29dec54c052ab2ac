/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* What the guest does with its memory: who writes where, how fast, and what is zero. Written as
 * terms with a + between them, SHAPE:SIZE@RATE[,KEY=VALUE...]:
 *
 *   hot:2GiB@1GiB/s            any page of 2 GiB, as likely as any other
 *   zipf:8GiB@500MiB/s,skew=1  some pages far more often than others
 *   sweep:4GiB@2GiB/s          one page after the other
 *   io:1GiB@200MiB/s           a sweep that no throttle holds back: a device's
 *   zero:30%  zero:2GiB        share of zero pages, or so many
 *   busy:60%                   of its processors, what the guest uses
 *   idle                       nobody writes
 *
 * with keys bursts=ON/OFF, phases=TIME (turns of changing strength), delta=SIZE (what xbzrle needs
 * for a page), zero=PCT (share of the pages written that are zero). */
#pragma once

#include "agent/simulate/memory.h"

typedef struct {
    GArray *writers; /* Writer */
    GArray *areas;   /* Area */
    double busy;     /* 0.01 to 1 */
} Workload;

gboolean workload_parse (Workload *self, const char *name, const char *text, guint64 memory_bytes,
                         GError **error);
void workload_clear (Workload *self);
G_DEFINE_AUTO_CLEANUP_CLEAR_FUNC (Workload, workload_clear)
/* The working-set curve that it will have, all writers at full force: distinct bytes that can be
 * written in so much guest time. */
double workload_curve (const Workload *self, double us);
