/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Answers with what no knob takes and no terminal should see. */
#include "minimal.h"

static int
nonsense_decide (void *handle, const struct qmpmig_sample *sample, struct qmpmig_advice *advice)
{
    struct minimal *self = handle;

    (void)sample;
    memset (advice, 0x5a, sizeof *advice); /* its size too */
    advice->set = UINT64_MAX;
    advice->throttle_pct = 500;
    advice->downtime_limit_us = 1ULL << 62;
    advice->bandwidth_bytes_per_s = QMPMIG_UNKNOWN;
    advice->action = 99;
    advice->verdict = 99;
    advice->needs = UINT64_MAX;
    if (self->asked++ == 0) {
        memcpy (advice->reason, "\xff\xfe\033]0;title\a\nline", 18);
        return 0;
    }
    /* Three bytes each, and no 0: the last one is cut in two. */
    for (size_t i = 0; i < sizeof advice->reason; i++)
        advice->reason[i] = "\xe2\x82\xac"[i % 3];
    return 0;
}

const struct qmpmig_plugin qmpmig_plugin = { MINIMAL ("nonsense"), .decide = nonsense_decide };
