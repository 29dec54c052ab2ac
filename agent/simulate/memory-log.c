/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* The dirty log. */
#include <math.h>

#include "agent/simulate/memory-internal.h"

/* How much of [START, START + PAGES) of its round a sweep has passed between two counts. */
static double
swept (double round, double start, double pages, double from, double to)
{
    double first, end;

    if (to - from >= round)
        return pages;
    first = fmod (from - start + round * ceil ((start + 1) / round), round);
    end = first + (to - from);
    return MAX (MIN (end, pages) - first, 0) + MAX (MIN (end - round, pages), 0);
}

void
share_write_up (Share *s)
{
    const Writer *w = s->writer;
    double free_pages = s->pages - s->fetched;
    double now = w->done;

    if (now == s->mark)
        return;
    if (w->kind == WRITER_SWEEP)
        s->fresh = MIN (free_pages, s->fresh + swept (w->pages, s->start, s->pages, s->mark, now) *
                                                   free_pages / s->pages);
    else
        s->fresh = free_pages - (free_pages - s->fresh) * exp ((s->mark - now) / w->pages);
    s->mark = now;
}

static double
sync_share (Memory *self, Share *s)
{
    double others = s->pages - s->fetched, found;

    share_write_up (s);
    found = others > 0 ? s->fresh * (1 - MIN ((s->dirty - s->fetched) / others, 1)) : 0;
    s->dirty += found;
    if (self->by_chunk)
        s->fetched += s->fresh;
    s->fresh = 0;
    s->before = s->synced;
    s->synced = s->mark;
    s->resent = MIN (s->sent / s->pages, 1);
    s->resent_at = s->sent_at;
    s->sent = 0;
    return found;
}

double
memory_sync (Memory *self)
{
    double found = 0;

    for (guint i = 0; i < self->cells->len; i++) {
        Cell *cell = &g_array_index (self->cells, Cell, i);
        double here = 0;

        for (guint k = 0; k < cell->count; k++) {
            Share *s = &g_array_index (self->shares, Share, cell->first + k);

            if (s->writer)
                here += sync_share (self, s);
        }
        cell->dirty += here;
        found += here;
    }
    for (guint i = 0; i < self->held->len; i++)
        g_array_index (self->held, gboolean, i) = self->by_chunk;
    self->dirty += found;
    return found;
}

void
memory_clear_chunk (Memory *self, guint cell)
{
    guint chunk = g_array_index (self->cells, Cell, cell).chunk;

    if (!g_array_index (self->held, gboolean, chunk))
        return;
    g_array_index (self->held, gboolean, chunk) = FALSE;
    while (cell > 0 && g_array_index (self->cells, Cell, cell - 1).chunk == chunk)
        cell--;
    for (; cell < self->cells->len; cell++) {
        const Cell *c = &g_array_index (self->cells, Cell, cell);

        if (c->chunk != chunk)
            return;
        for (guint k = 0; k < c->count; k++) {
            Share *s = &g_array_index (self->shares, Share, c->first + k);

            if (s->writer)
                share_write_up (s);
            s->fetched = 0;
        }
    }
}
