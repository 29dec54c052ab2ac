/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Of a later qmpmig with the same ABI: its structs have grown. */
#include "minimal.h"

struct newer_plugin {
    struct qmpmig_plugin known;
    void (*later) (void);
};

struct newer_sample {
    struct qmpmig_sample known;
    uint64_t later;
};

/* As a new plugin has to do it: looks before it reads. */
static int
newer_decide (void *handle, const struct qmpmig_sample *sample, struct qmpmig_advice *advice)
{
    (void)handle;
    if (sample->size >= sizeof (struct newer_sample))
        return -1;
    strcpy (advice->reason, "an older qmpmig");
    return 0;
}

static void
newer_later (void)
{
    abort ();
}

QMPMIG_EXPORT extern const struct newer_plugin newer_plugin __asm__("qmpmig_plugin");
const struct newer_plugin newer_plugin = {
    .known = {
        .size = sizeof (struct newer_plugin),
        .abi = QMPMIG_ABI,
        .name = "newer",
        .version = "9",
        .description = "for the tests",
        .open = minimal_open,
        .decide = newer_decide,
        .close = free,
    },
    .later = newer_later,
};
