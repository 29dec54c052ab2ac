/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "agent/simulate/memory.h"

#include <math.h>

#define CELLS         1024
#define SMALLEST_CELL 64.0     /* pages */
#define LARGEST_CELL  262144.0 /* 1 GiB */
#define AREA_CELLS    64.0     /* where somebody writes, at least */
#define PAGE_HEADER   8
#define ZERO_BYTES    9
#define DELTA_HEADER  11

/* Of one writer in one cell; all in pages. */
typedef struct {
    const Writer *writer; /* NULL: never written */
    gboolean zero;
    double pages;
    double dirty;   /* to be sent */
    double fetched; /* of these, those that the log still holds: written again, they go unnoticed */
    double fresh;   /* the log has seen them since the last sync */
    double cached;  /* sent before, with xbzrle on */
    double mark;    /* the writer's `done` when `fresh` was right */
    double synced;  /* ... at the last sync */
    double x;       /* writes to each page between the last two syncs */
    double start;   /* of a sweep: the cell's place in its round */
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

/* --- as it is laid out ----------------------------------------------------------------------- */

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

/* --- the dirty log --------------------------------------------------------------------------- */

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

static void
write_up (Share *s)
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

    write_up (s);
    found = others > 0 ? s->fresh * (1 - MIN ((s->dirty - s->fetched) / others, 1)) : 0;
    s->dirty += found;
    if (self->by_chunk)
        s->fetched += s->fresh;
    s->fresh = 0;
    s->x = (s->mark - s->synced) / s->writer->pages;
    s->synced = s->mark;
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

/* What was written until now is known already; from now on it counts anew. */
static void
clear_chunk (Memory *self, guint cell)
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
                write_up (s);
            s->fetched = 0;
        }
    }
}

/* --- sending --------------------------------------------------------------------------------- */

typedef struct {
    double us;
    Traffic traffic;
} Parcel;

/* Of the pages that were sent before: written again before they were sent, and not since. They are
 * dirty, and have not changed. */
static double
unchanged (const Memory *self, const Share *s)
{
    double x = s->x, written = 1 - exp (-x);

    if (self->by_chunk || !s->writer || x < 1e-6)
        return 0;
    if (s->writer->kind == WRITER_SWEEP)
        return 0.5 / MAX (x, 1);
    return MAX (written / x - exp (-x), 0) / written;
}

/* The deltas of PAGES pages that are in the cache. */
static void
weigh_deltas (const Memory *self, const Share *s, double pages, Parcel *parcel)
{
    double delta = s->writer ? s->writer->delta_bytes : 0;
    double changed = pages * (1 - unchanged (self, s));
    gboolean fits = delta < SIM_PAGE;

    parcel->traffic.deltas += changed;
    parcel->traffic.overflows += fits ? 0 : changed;
    parcel->traffic.normal += fits ? 0 : changed;
    parcel->traffic.delta_bytes += changed * (fits ? delta : SIM_PAGE);
    parcel->traffic.bytes += changed * (fits ? delta + DELTA_HEADER : SIM_PAGE + PAGE_HEADER);
}

static Parcel
weigh (const Memory *self, const Share *s, const Postage *postage, double pages)
{
    Parcel parcel = { 0 };
    double known = postage->cache_pages > 0 ? pages * s->cached / s->pages : 0;
    double full = pages - known;

    if (s->zero) {
        parcel.traffic.zero = pages;
        parcel.traffic.bytes = pages * ZERO_BYTES;
        parcel.us = pages * MAX (postage->zero_page_us, ZERO_BYTES * postage->us_per_byte);
        return parcel;
    }
    parcel.traffic.normal = full;
    parcel.traffic.bytes = full * (SIM_PAGE + PAGE_HEADER);
    if (postage->cache_pages > 0)
        parcel.traffic.misses = full;
    weigh_deltas (self, s, known, &parcel);
    parcel.us = MAX (parcel.traffic.bytes * postage->us_per_byte, pages * postage->page_us);
    return parcel;
}

static void
note_traffic (Traffic *to, const Traffic *more, double part)
{
    to->bytes += more->bytes * part;
    to->normal += more->normal * part;
    to->zero += more->zero * part;
    to->deltas += more->deltas * part;
    to->delta_bytes += more->delta_bytes * part;
    to->misses += more->misses * part;
    to->overflows += more->overflows * part;
}

static void
fill_cache (Memory *self, Share *s, const Postage *postage, double misses)
{
    double room = MAX (postage->cache_pages - self->cached, 0);
    double more = MIN (MIN (misses, s->pages - s->cached), room);

    s->cached += more;
    self->cached += more;
}

static double
send_share (Memory *self, Cell *cell, Share *s, const Postage *postage, double part,
            Traffic *traffic)
{
    double pages = s->dirty * part;
    Parcel parcel = weigh (self, s, postage, pages);

    note_traffic (traffic, &parcel.traffic, 1);
    fill_cache (self, s, postage, parcel.traffic.misses);
    s->dirty -= pages;
    cell->dirty -= pages;
    self->dirty -= pages;
    return parcel.us;
}

static double
send_cell (Memory *self, guint index, const Postage *postage, double budget_us, Traffic *traffic)
{
    Cell *cell = &g_array_index (self->cells, Cell, index);
    Share *shares = &g_array_index (self->shares, Share, cell->first);
    double all_us = 0, us = 0, part;

    clear_chunk (self, index);
    for (guint i = 0; i < cell->count; i++)
        all_us += weigh (self, &shares[i], postage, shares[i].dirty).us;
    part = all_us > budget_us ? budget_us / all_us : 1;
    for (guint i = 0; i < cell->count; i++)
        us += send_share (self, cell, &shares[i], postage, part, traffic);
    if (part == 1)
        cell->dirty = 0;
    return us;
}

double
memory_send (Memory *self, const Postage *postage, double budget_us, Traffic *traffic)
{
    double us = 0;

    for (guint seen = 0; seen <= self->cells->len; seen++) {
        if (g_array_index (self->cells, Cell, self->cursor).dirty > 0) {
            us += send_cell (self, self->cursor, postage, budget_us - us, traffic);
            seen = 0;
        }
        if (g_array_index (self->cells, Cell, self->cursor).dirty > 0)
            return budget_us;
        self->cursor = (self->cursor + 1) % self->cells->len;
    }
    self->dirty = 0;
    return us;
}

double
memory_faults (const Memory *self, double us)
{
    double faults = 0;

    for (guint i = 0; i < self->shares->len; i++) {
        const Share *s = &g_array_index (self->shares, Share, i);
        double x = s->writer ? s->writer->pages_per_s * us / G_USEC_PER_SEC / s->writer->pages : 0;

        if (x > 1e-9)
            faults += s->dirty * (1 - (1 - exp (-x)) / x);
    }
    return faults;
}
