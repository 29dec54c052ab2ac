/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Takes the process with it. */
#include "minimal.h"

static int
crashing_decide (void *handle, const struct qmpmig_sample *sample, struct qmpmig_advice *advice)
{
    (void)handle;
    (void)sample;
    (void)advice;
    abort ();
}

const struct qmpmig_plugin qmpmig_plugin = { MINIMAL ("crashing"), .decide = crashing_decide };
