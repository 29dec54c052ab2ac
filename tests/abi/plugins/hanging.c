/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Takes 2 s. */
#include <time.h>

#include "minimal.h"

static int
hanging_decide (void *handle, const struct qmpmig_sample *sample, struct qmpmig_advice *advice)
{
    struct minimal *self = handle;

    (void)sample;
    nanosleep (&(struct timespec){ .tv_sec = 2 }, NULL);
    self->context->host->log (self->context, "awake again");
    advice->action = QMPMIG_ACTION_CANCEL;
    return 0;
}

const struct qmpmig_plugin qmpmig_plugin = { MINIMAL ("hanging"), .decide = hanging_decide };
