/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* What a sample's numbers mean for the time to come: how fast the link is, how fast the guest
 * writes (the working-set curve), what one more pass would leave. Pure. Where the formulas come
 * from is told in qmpmig-plugin(3). */
#pragma once

#include "agent/steering/sample.h"
#include "agent/steering/working-set.h"

typedef struct {
    /* link, bytes per second; the time that they stand for, in microseconds */
    double mean, square, weight;
    guint64 last_us, last_sent, limit;
    gboolean waits; /* QEMU has looked, and may not be over with that */
    /* bytes sent for a page in this pass, or the one before */
    guint64 pass_sent, pass_pages, page_bytes;
    /* since QEMU last looked which pages are dirty */
    double guest_time_us;
    guint64 remaining, covered;
    gboolean first_pass;
    WorkingSet set;
} Estimate;

void estimate_init (Estimate *self);
/* Found otherwise than by QEMU's looks, before the first of them that counts. */
void estimate_take_sampled (Estimate *self, guint64 time_us, guint64 bytes);
/* LAST and NOW follow each other; COVERED_BYTES of guest memory were dealt with between them. Fills
 * in NOW's estimates. */
void estimate_take (Estimate *self, const Sample *last, Sample *now, guint64 covered_bytes,
                    gboolean pass_ended);
