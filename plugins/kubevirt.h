/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* What KubeVirt's rules know of one migration. */
#pragma once

#include "kubevirt-stall.h"
#include "orchestrator.h"

#define KUBEVIRT_FIRST_STEP_US 150000     /* of the downtime, and seven more up to the largest */
#define KUBEVIRT_STALL_US      300000     /* downtime limit at first, with the stall detector */
#define KUBEVIRT_HARD_US       2000000000 /* QEMU takes no longer downtime limit */

struct kubevirt {
    const struct qmpmig_context *context;
    struct orchestrator_clock clock;
    struct orchestrator_downtime downtime;
    struct stall stall;
    uint64_t timeout_s, progress_us, downtime_us, switchover_us;              /* options */
    uint64_t converge, post_copy, disruption, has_disruption, tunes, detects; /* 0 or 1 */
    int has_vfio;
    uint64_t acceptable_us; /* 0 before the first look */
    uint64_t remaining_bytes, progressed_at_us;
    uint64_t limit_us, stepped_at_us; /* of the steps */
    uint64_t syncs, until_us;         /* until_us: 0 without a switchover under way */
    int paused, over;
};

/* One look, or more of them; returns 0. */
int kubevirt_decide (void *handle, const struct qmpmig_sample *sample,
                     struct qmpmig_advice *advice);
