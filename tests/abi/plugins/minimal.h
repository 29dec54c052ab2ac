/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* What the plugins here have in common: as little as a plugin may have. */
#pragma once

#include <stdlib.h>
#include <string.h>

#include <qmpmig-plugin.h>

struct minimal {
    const struct qmpmig_context *context;
    uint64_t asked;
};

static inline void *
minimal_open (const struct qmpmig_context *context)
{
    struct minimal *self = calloc (1, sizeof *self);

    if (self)
        self->context = context;
    return self;
}

static inline int
minimal_decide (void *handle, const struct qmpmig_sample *sample, struct qmpmig_advice *advice)
{
    (void)handle;
    (void)sample;
    (void)advice;
    return 0;
}

#define MINIMAL(its_name)                                                                          \
    .size = sizeof (struct qmpmig_plugin), .abi = QMPMIG_ABI, .name = its_name, .version = "1",    \
    .description = "for the tests", .open = minimal_open, .close = free
