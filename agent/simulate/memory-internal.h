/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Between the files of the guest's memory. */
#pragma once

#include "agent/simulate/memory.h"

/* Of one writer in one cell; all in pages. */
typedef struct {
    const Writer *writer; /* NULL: never written */
    gboolean zero;
    double pages;
    double dirty;   /* to be sent */
    double fetched; /* of these, those that the log still holds: written again, they go unnoticed */
    double fresh;   /* the log has seen them since the last sync */
    double cached;  /* sent before, with xbzrle on */
    double sent;    /* since the last sync */
    double resent;  /* share of its pages that were sent between the last two syncs */
    double mark;    /* the writer's `done` when `fresh` was right */
    double synced;  /* ... at the last sync */
    double before;  /* ... at the one before */
    double sent_at, resent_at; /* ... when those were sent */
    double start;              /* of a sweep: the cell's place in its round */
} Share;

typedef struct {
    guint first, count; /* shares */
    guint chunk;
    double dirty;
} Cell;

struct Memory {
    GArray *cells, *shares;
    gboolean by_chunk;
    GArray *held; /* by chunk: the log was not cleared there since the last sync */
    guint cursor;
    double pages, dirty, cached;
};

/* What the writer has written until now is in `fresh`. */
void share_write_up (Share *self);
/* What was written until now in the chunk of that cell is known already; from now on it counts
 * anew. */
void memory_clear_chunk (Memory *self, guint cell);
