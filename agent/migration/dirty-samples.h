/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Which samples of a guest's pages are taken beside the first pass, one after the other, and which
 * of them tell something: the same of a real migration (dirty-sampling.c) and of a simulated one.
 * Pure. */
#pragma once

#include "agent/migration/dirty-rate.h"
#include "agent/steering/estimate.h"

/* The first write to each page is slow when QEMU has begun to look; not before most are through. */
#define DIRTY_SAMPLES_SETTLED_US ((guint64)500 * G_TIME_SPAN_MILLISECOND)

/* For how long the one after the first TAKEN; 0: none, as things are. */
guint dirty_samples_next_ms (guint taken, const Sample *now, const QmpVersion *version);
DirtyRate dirty_samples_question (const Sample *now, guint time_ms);
/* What is written a second time with the same contents is not seen: at most as much was dirtied. */
void dirty_samples_take (Estimate *estimate, const Sample *now, guint time_ms, guint64 bytes);
