/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Wants to be asked every 2 s only, and says in its log why it was asked. */
#include <stdio.h>

#include "minimal.h"

static int
patience_decide (void *handle, const struct qmpmig_sample *sample, struct qmpmig_advice *advice)
{
    struct minimal *self = handle;
    char text[64];

    snprintf (text, sizeof text, "asked %s", sample->why == QMPMIG_WHY_CLOCK ? "by the clock" : "");
    self->context->host->log (self->context, text);
    advice->ask_again_us = 2000000;
    return 0;
}

const struct qmpmig_plugin qmpmig_plugin = { MINIMAL ("patience"), .decide = patience_decide };
