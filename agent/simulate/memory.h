/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* The guest's memory as QEMU's migration sees it: which pages are to be sent, and which the dirty
 * log has seen written since. Not page by page: cells of neighbouring pages, and in each cell the
 * shares of the writers at work there, in numbers of pages that may be fractions. Pure. */
#pragma once

#include "agent/simulate/writer.h"

/* A stretch of the guest's memory, in the order of its addresses. Whoever writes there is spread
 * evenly; the pages that are nobody's are never written. */
typedef struct {
    double pages;
    double zero; /* share of the pages that are zero */
    guint first_writer, writers;
} Area;

/* What a page costs on its way. */
typedef struct {
    double us_per_byte;           /* of the link */
    double page_us, zero_page_us; /* at least, of the migration thread */
    double cache_pages;           /* xbzrle's; 0: no xbzrle */
} Postage;

/* What went out, since the start. */
typedef struct {
    double bytes, normal, zero;
    double deltas, delta_bytes, misses, overflows; /* xbzrle */
} Traffic;

typedef struct Memory Memory;

/* WRITERS (Writer) are borrowed and must stay. CHUNK_PAGES: the log is cleared for so many pages
 * when the first of them is sent (KVM's manual protection); 0: at the sync (TCG). */
Memory *memory_new (const Area *areas, guint count, const Writer *writers, double chunk_pages);
void memory_free (Memory *self);
G_DEFINE_AUTOPTR_CLEANUP_FUNC (Memory, memory_free)

double memory_pages (const Memory *self);
double memory_dirty (const Memory *self); /* pages to be sent */
/* The log's pages become pages to be sent; returns those that were not already. */
double memory_sync (Memory *self);
/* Sends for at most BUDGET_US from where it stood, going round; returns the time it took: less only
 * when nothing is left. */
double memory_send (Memory *self, const Postage *postage, double budget_us, Traffic *traffic);
/* The guest goes on at the other end, at SPEED, while the rest follows for US: how often it touches
 * a page that is not there yet. */
double memory_faults (const Memory *self, double us);
