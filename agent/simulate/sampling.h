/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Samples of the simulated guest's pages beside its first pass, as migration/dirty-sampling.c has
 * QEMU take them. */
#pragma once

#include "agent/simulate/thread.h"
#include "agent/steering/tracker.h"
#include "qmp/client.h"

typedef struct {
    guint taken;
    guint time_ms; /* of the one that runs; 0: none */
    guint64 since_us;
} Sampling;

/* One is asked for at a look, and known at the first after its time. */
void sampling_look (Sampling *self, Thread *thread, const QmpVersion *version, Tracker *tracker,
                    guint64 now_us);
