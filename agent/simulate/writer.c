/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "agent/simulate/writer.h"

#include <math.h>

void
writer_start (Writer *self)
{
    self->done = 0;
    self->force = 1;
    self->next_us = self->on_us > 0 ? self->on_us : self->phase_us > 0 ? 0 : INFINITY;
}

void
writer_run (Writer *self, double guest_us, double wall_us)
{
    double us = self->is_io ? wall_us : guest_us;

    self->done += self->pages_per_s * self->force * us / G_USEC_PER_SEC;
}

double
writer_reached (const Writer *self, double written)
{
    return self->kind == WRITER_SWEEP ? MIN (written, self->pages)
                                      : self->pages * -expm1 (-written / self->pages);
}

void
writer_turn (Writer *self, GRand *chance)
{
    static const double forces[] = { 0.25, 1, 1.75 }; /* 1 on average */

    if (self->on_us > 0) {
        self->force = self->force > 0 ? 0 : 1;
        self->next_us += self->force > 0 ? self->on_us : self->off_us;
        return;
    }
    self->force = forces[g_rand_int_range (chance, 0, G_N_ELEMENTS (forces))];
    self->next_us += MAX (-log (1 - g_rand_double (chance)) * self->phase_us, 1000);
}
