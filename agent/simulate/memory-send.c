/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Pages on their way. */
#include <math.h>

#include "agent/simulate/memory-internal.h"

#define PAGE_HEADER  8
#define ZERO_BYTES   9
#define DELTA_HEADER 11

typedef struct {
    double us;
    Traffic traffic;
} Parcel;

/* Of the pages that are dirty: sent between the last two syncs, written between the sync before and
 * that, and not since. The log tells of them, and they have not changed. */
static double
unchanged (const Memory *self, const Share *s)
{
    const Writer *w = s->writer;
    double written, earlier, since;

    if (self->by_chunk || !w || s->synced - s->before < 1e-6 * w->pages)
        return 0;
    written = (s->synced - s->before) / w->pages;
    earlier = (s->resent_at - s->before) / w->pages;
    since = (w->done - s->resent_at) / w->pages;
    if (w->kind == WRITER_SWEEP)
        return s->resent * MAX (MIN (1, earlier + since) - since, 0) / MIN (written, 1);
    return s->resent * exp (-since) * (1 - exp (-earlier)) / (1 - exp (-written));
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
    s->sent += pages;
    s->sent_at = s->writer ? s->writer->done : 0;
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

    memory_clear_chunk (self, index);
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
