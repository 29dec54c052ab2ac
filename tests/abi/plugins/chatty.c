/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Logs without end. */
#include "minimal.h"

static int
chatty_decide (void *handle, const struct qmpmig_sample *sample, struct qmpmig_advice *advice)
{
    struct minimal *self = handle;

    (void)sample;
    (void)advice;
    for (int i = 0; i < 1000; i++)
        self->context->host->log (self->context, "well");
    self->context->host->log (NULL, "to nobody");
    self->context->host->error (self->context, NULL);
    return 0;
}

const struct qmpmig_plugin qmpmig_plugin = { MINIMAL ("chatty"), .decide = chatty_decide };
