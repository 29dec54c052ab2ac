/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* From values to pixels, and the ticks on the way. */
#pragma once

#include <glib.h>

typedef enum { UNIT_TIME, UNIT_SIZE, UNIT_RATE, UNIT_PCT } Unit;

typedef struct {
    Unit unit;
    gboolean is_log;
    double min, max; /* values; min > 0 where it is logarithmic */
    double from, to; /* pixels */
} Scale;

/* Values beyond the ends stick to them. */
double scale_at (const Scale *self, double value);
/* Round values within, none closer to the next than GAP pixels. */
GArray *scale_ticks (const Scale *self, double gap);
/* "1.5 s", "64 MiB", "90 %" */
char *scale_label (const Scale *self, double value);
