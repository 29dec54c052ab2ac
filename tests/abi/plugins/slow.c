/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Takes 200 ms for each answer. */
#include <time.h>

#include "minimal.h"

static int
slow_decide (void *handle, const struct qmpmig_sample *sample, struct qmpmig_advice *advice)
{
    (void)handle;
    nanosleep (&(struct timespec){ .tv_nsec = 200000000 }, NULL);
    advice->set = QMPMIG_SET_THROTTLE;
    advice->throttle_pct = sample->sequence;
    return 0;
}

const struct qmpmig_plugin qmpmig_plugin = { MINIMAL ("slow"), .decide = slow_decide };
