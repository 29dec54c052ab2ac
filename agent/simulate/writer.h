/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Somebody who writes to the guest's memory: a class of pages with one rate. Pure; chance comes
 * from a seed. */
#pragma once

#include <glib.h>

#define SIM_PAGE 4096.0

typedef enum {
    WRITER_RANDOM, /* each page of the class is as likely as any other */
    WRITER_SWEEP,  /* one page after the other, round and round */
} WriterKind;

typedef struct {
    WriterKind kind;
    double pages;       /* the class */
    double pages_per_s; /* written, at full speed */
    gboolean is_io;     /* a device's: no throttle holds it back */
    double delta_bytes; /* that xbzrle needs for a page written anew; above a page: it cannot */
    double zero;        /* share of the pages written that are zero */
    /* Turns: so long on, so long off; or phases of changing strength, so long on average. */
    double on_us, off_us, phase_us;
    /* now */
    double done;  /* pages written since the start, as often as written */
    double force; /* share of pages_per_s */
    double next_us;
    double sampled; /* `done` when a sample began */
} Writer;

void writer_start (Writer *self);
/* Writes for GUEST_US of the guest's time, WALL_US of the clock's. */
void writer_run (Writer *self, double guest_us, double wall_us);
/* Distinct pages, when it has written so many. */
double writer_reached (const Writer *self, double written);
/* At SELF->next_us: another turn or phase. */
void writer_turn (Writer *self, GRand *chance);
