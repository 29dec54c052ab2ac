/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Commands a throttle of 70, then 10, then 95 %: the next when the one before holds. */
#include "minimal.h"

static const uint64_t steps[] = { 70, 10, 95 };

static int
steps_decide (void *handle, const struct qmpmig_sample *sample, struct qmpmig_advice *advice)
{
    struct minimal *self = handle;

    if (self->asked == sizeof steps / sizeof *steps || sample->passes < 2 ||
        !(sample->may & QMPMIG_MAY_THROTTLE_UP) ||
        (self->asked > 0 && sample->throttle_pct != steps[self->asked - 1]))
        return 0;
    advice->set = QMPMIG_SET_THROTTLE;
    advice->throttle_pct = steps[self->asked++];
    return 0;
}

const struct qmpmig_plugin qmpmig_plugin = { MINIMAL ("steps"), .decide = steps_decide };
