/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* KubeVirt's stall detector: from what is left at each pass, whether passes have stopped shrinking,
 * and whether this is as little as it gets. Times in us, sizes in bytes. */
#pragma once

#include <stddef.h>
#include <stdint.h>

#define STALL_CANDIDATES 256
#define STALL_HISTORY    1024

struct stall_entry {
    uint64_t at_us, remaining_bytes;
};

struct stall {
    uint64_t margin_pct, window_us;                  /* options */
    double bandwidth_bytes_per_s;                    /* smoothed; 0: not known */
    struct stall_entry candidates[STALL_CANDIDATES]; /* minima within the window, falling */
    size_t count;
    uint64_t before_bytes; /* the least before the window; unknown: nothing yet */
    int stalled;
    double best_bytes, patience_us, until_us;
    uint64_t history[STALL_HISTORY]; /* since it stalled */
    size_t length;
};

void stall_take_bandwidth (struct stall *self, uint64_t bytes_per_s);
/* At the beginning of a pass. Whether this is the moment to switch over. */
int stall_take_pass (struct stall *self, uint64_t at_us, uint64_t remaining_bytes);
double stall_downtime_us (const struct stall *self, uint64_t remaining_bytes);
