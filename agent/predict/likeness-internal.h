/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Between the files of what a trace shows of a guest and its link. */
#pragma once

#include "agent/predict/likeness.h"

static inline double
known (guint64 value)
{
    return value == SAMPLE_UNKNOWN ? 0 : (double)value;
}

static inline const Sample *
sample_in (const GArray *samples, guint index)
{
    return &g_array_index (samples, Sample, index);
}

static inline double
pages_in (const Sample *s)
{
    return known (s->normal_pages) + known (s->zero_pages) + known (s->xbzrle_pages) -
           known (s->xbzrle_overflow);
}

/* Of SAMPLES (Sample): bytes a second that the link carried; 0: too few tell. */
double likeness_link (const GArray *samples);
