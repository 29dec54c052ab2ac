/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Which lines go into a trace that must not grow without end: from a size on every 2nd sample, then
 * every 4th, and so on; what was decided, done and seen stays whole. Pure. */
#pragma once

#include "qmp/message.h"

typedef struct {
    guint64 from_bytes;    /* up to here every sample is kept */
    guint64 step_bytes;    /* after each so many more bytes half of them go */
    guint64 max_bytes;     /* of the whole trace */
    guint64 reserve_bytes; /* of them, for the result */
} TraceBounds;

/* A migration of 45 minutes is kept whole, one of days to its end. */
extern const TraceBounds trace_bounds;

typedef struct {
    const TraceBounds *bounds;
    guint64 bytes;   /* of the trace; whoever writes it keeps it true */
    guint64 samples; /* seen, kept or not */
    guint64 every;   /* the how manieth is kept */
    char *status;    /* of the last sample */
    gboolean full;
} TraceThinning;

/* BYTES: what the trace has already. */
void trace_thinning_init (TraceThinning *self, const TraceBounds *bounds, guint64 bytes);
void trace_thinning_clear (TraceThinning *self);
/* Whether LINE, of so many bytes, goes into the trace. *ret_notice: a sentence for the trace, to
 * stand before it; owned by the caller, NULL when there is nothing to say. */
gboolean trace_thinning_takes (TraceThinning *self, json_object *line, gsize length,
                               char **ret_notice);
