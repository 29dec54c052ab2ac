/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* As it is laid out. */
#include <math.h>

#include "agent/simulate/memory-internal.h"

#define CELLS         1024
#define SMALLEST_CELL 64.0     /* pages */
#define LARGEST_CELL  262144.0 /* 1 GiB */
#define AREA_CELLS    64.0     /* where somebody writes, at least */

static void
add_share (Memory *self, const Writer *writer, gboolean zero, double pages, double start)
{
    Share share = {
        .writer = writer, .zero = zero, .pages = pages, .dirty = pages, .start = start
    };

    if (pages > 0)
        g_array_append_val (self->shares, share);
}

static double
written_pages (const Area *area, const Writer *writers)
{
    double pages = 0;

    for (guint i = 0; i < area->writers; i++)
        pages += writers[area->first_writer + i].pages;
    return pages;
}

/* The cell is PART of the area, and begins at AT of it; both are shares. */
static void
add_cell (Memory *self, const Area *area, const Writer *writers, double at, double part,
          double chunk_pages)
{
    Cell cell = { .first = self->shares->len,
                  .chunk = chunk_pages > 0 ? (guint)(self->pages / chunk_pages) : 0,
                  .dirty = area->pages * part };
    double idle = (area->pages - written_pages (area, writers)) * part;

    for (guint i = 0; i < area->writers; i++) {
        const Writer *writer = &writers[area->first_writer + i];
        double pages = writer->pages * part, start = writer->pages * at;
        double zero = pages * writer->zero;

        add_share (self, writer, TRUE, zero, start);
        add_share (self, writer, FALSE, pages - zero, start + zero);
    }
    add_share (self, NULL, FALSE, idle * (1 - area->zero), 0);
    add_share (self, NULL, TRUE, idle * area->zero, 0);
    cell.count = self->shares->len - cell.first;
    self->pages += cell.dirty;
    g_array_append_val (self->cells, cell);
}

Memory *
memory_new (const Area *areas, guint count, const Writer *writers, double chunk_pages)
{
    Memory *self = g_new0 (Memory, 1);
    double total = 0, size;

    self->cells = g_array_new (FALSE, FALSE, sizeof (Cell));
    self->shares = g_array_new (FALSE, FALSE, sizeof (Share));
    self->by_chunk = chunk_pages > 0;
    for (guint i = 0; i < count; i++)
        total += areas[i].pages;
    size = CLAMP (total / CELLS, SMALLEST_CELL, LARGEST_CELL);
    for (guint i = 0; i < count; i++) {
        double cells = MAX (ceil (areas[i].pages / size), areas[i].writers ? AREA_CELLS : 1);

        for (guint k = 0; k < (guint)cells; k++)
            add_cell (self, &areas[i], writers, k / cells, 1 / cells, chunk_pages);
    }
    self->held = g_array_new (FALSE, TRUE, sizeof (gboolean));
    g_array_set_size (self->held, self->by_chunk ? (guint)(self->pages / chunk_pages) + 2 : 1);
    self->dirty = self->pages;
    return self;
}

void
memory_free (Memory *self)
{
    if (!self)
        return;
    g_array_unref (self->cells);
    g_array_unref (self->shares);
    g_array_unref (self->held);
    g_free (self);
}

double
memory_pages (const Memory *self)
{
    return self->pages;
}

double
memory_dirty (const Memory *self)
{
    return self->dirty;
}
