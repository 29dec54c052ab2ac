/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* From a working-set curve, of which a few points are measured, to a guest of the simulator's that
 * has it: classes of pages, each with the time in which it is written through. Pure. */
#pragma once

#include <glib.h>

typedef struct {
    double us, bytes; /* so many different bytes are written in such a time */
    double error;     /* share of BYTES by which it may be wrong */
} CurvePoint;

typedef enum {
    FIT_CALM,   /* as little as the points allow, and nothing that they have not seen */
    FIT_LIKELY, /* the points as they are */
    FIT_BUSY,   /* as much as they allow, and growing beyond the longest time */
    FIT_COUNT
} Fit;

/* Terms for workload_parse(): "hot:SIZE@RATE+...+zero:PCT", or "idle". ZERO: share of zero pages.
 * POINTS are in the order of their times. */
char *curve_fit (const CurvePoint *points, guint count, Fit fit, guint64 memory_bytes, double zero);
