/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "agent/steering/working-set.h"

/* Of the set that is written, for a mean over looks in the middle of passes. */
#define ENOUGH_OF_SET 0.5
/* Of a smaller part nobody can tell what it is a part of. */
#define LEAST_SHARE 0.1
/* Found in a part of the set, so many times what can have been in all of it. Sampled pages err by a
 * quarter. */
#define REFUTES 1.5
/* Guest times further apart belong to different throttles. */
#define SAME_STRIDE 1.5

void
working_set_init (WorkingSet *self)
{
    *self = (WorkingSet){ 0 };
    curve_init (&self->seen);
    curve_init (&self->within);
}

void
working_set_add (WorkingSet *self, double guest_us, guint64 bytes)
{
    curve_add (&self->seen, (guint64)guest_us, bytes);
}

/* As far as it is known: what remained at a look, and what remains after it, belong to it. */
static double
size_bytes (const WorkingSet *self, double began, double remains)
{
    guint points = curve_points (&self->seen);
    double largest = points ? (double)self->seen.bytes[points - 1] : 0;

    return MAX (largest, MAX (began, remains));
}

/* The mean of looks within passes. It has to fit to what was seen in whole ones, unless even what
 * was FOUND in a part of the set refutes that. */
static void
add_mean (WorkingSet *self, double size, double found)
{
    guint64 us = (guint64)(self->within_us / self->within_share);
    double bytes = MAX (MIN (self->within_bytes / self->within_share, size), found);
    gboolean refutes = found > REFUTES * curve_possible (&self->seen, us, found);

    curve_add (refutes ? &self->seen : &self->within, us, (guint64)bytes);
    self->within_us /= 2;
    self->within_bytes /= 2;
    self->within_share /= 2;
}

/* What is still to be sent is not found a second time when it is written: in the middle of a pass a
 * look finds what was written to the SHARE of the set that was clean. Which part that is, is
 * chance: so looks are taken together until they have seen enough of it. */
void
working_set_add_within (WorkingSet *self, double guest_us, double began, double left, double found)
{
    double size = size_bytes (self, began, left + found);
    double share = size > 0 ? 1 - (began + left) / 2 / size : 0;
    double mean_us = self->within_share > 0 ? self->within_us / self->within_share : guest_us;

    if (share < LEAST_SHARE)
        return;
    if (guest_us > mean_us * SAME_STRIDE || guest_us * SAME_STRIDE < mean_us)
        self->within_us = self->within_bytes = self->within_share = 0;
    self->within_us += guest_us * share;
    self->within_bytes += found;
    self->within_share += share;
    if (self->within_share >= ENOUGH_OF_SET)
        add_mean (self, size, found);
}

/* What looks within passes tell stands where the rest leaves room for it: it was found in a part
 * of the set, maybe in a pause, and what was seen in all of it is not to be moved by that. */
struct qmpmig_curve
working_set_curve (const WorkingSet *self)
{
    struct qmpmig_curve curve = self->seen;

    for (guint i = 0; i < curve_points (&self->within); i++)
        curve_add_beside (&curve, self->within.time_us[i], self->within.bytes[i]);
    return curve;
}
