/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Fails, with its reason the first time and without one afterwards. */
#include "minimal.h"

static int
failing_decide (void *handle, const struct qmpmig_sample *sample, struct qmpmig_advice *advice)
{
    struct minimal *self = handle;

    (void)sample;
    advice->set = QMPMIG_SET_THROTTLE;
    advice->throttle_pct = 50;
    if (self->asked++ == 0)
        self->context->host->error (self->context, "cannot\nthink \033[31m today");
    return -1;
}

const struct qmpmig_plugin qmpmig_plugin = { MINIMAL ("failing"), .decide = failing_decide };
