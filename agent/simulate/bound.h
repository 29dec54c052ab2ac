/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* What no pre-copy can beat, whatever steers it and in whatever order it sends: from the guest's
 * memory, its writers and the link alone. Pure. */
#pragma once

#include "agent/simulate/thread.h"
#include "agent/simulate/workload.h"
#include "agent/steering/tracker.h"

typedef struct {
    double total_us;     /* each page goes over the link once */
    double work_lost_us; /* blackout and throttle together */
    double blackout_us;  /* with the hardest throttle that is permitted */
} Bound;

Bound bound_find (const Workload *workload, const Link *link, const SimMachine *machine,
                  const Limits *limits);
