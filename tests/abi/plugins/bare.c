/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Has nothing that may be left out, and its handle is no memory. */
#include "minimal.h"

static void *
bare_open (const struct qmpmig_context *context)
{
    return (void *)(uintptr_t)context->vcpus;
}

const struct qmpmig_plugin qmpmig_plugin = {
    .size = sizeof (struct qmpmig_plugin),
    .abi = QMPMIG_ABI,
    .name = "bare",
    .version = "1",
    .description = "for the tests",
    .open = bare_open,
    .decide = minimal_decide,
};
