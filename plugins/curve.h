/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* The working-set curve U(s): distinct bytes that a guest writes in s of its own time. Concave,
 * from nothing at 0. A throttle is time dilation: in a wall time T a guest held back by p % writes
 * U((1 - p/100) T), so that this one curve foretells every throttle. Shared by the estimates and by
 * policies; plain C99, pure. */
#ifndef QMPMIG_CURVE_H
#define QMPMIG_CURVE_H

#include "qmpmig-plugin.h"

void curve_init (struct qmpmig_curve *self);
unsigned curve_points (const struct qmpmig_curve *self);
/* What was seen: BYTES in TIME_US. The newest is believed: older points that cannot be true beside
 * it are moved. */
void curve_add (struct qmpmig_curve *self, uint64_t time_us, uint64_t bytes);
/* What was not seen as surely: as near to BYTES as the points let it be. None of them moves, and
 * where one is of that time it stays alone. */
void curve_add_beside (struct qmpmig_curve *self, uint64_t time_us, uint64_t bytes);
/* BYTES, or the nearest that can be true beside all points. */
double curve_possible (const struct qmpmig_curve *self, uint64_t time_us, double bytes);

/* A curve made ready to be asked often. */
struct curve_model {
    struct qmpmig_curve curve;
    uint64_t points;
    /* How often each page of the set is written in the time of the first point; further on, of the
     * point before. */
    double fill[QMPMIG_CURVE_POINTS];
};

void curve_model_init (struct curve_model *self, const struct qmpmig_curve *curve);
/* U(TIME_US) in bytes; 0 of a curve without points. Between points, and above the largest, as if
 * pages of one set were written at random; below the smallest with care. */
double curve_bytes (const struct curve_model *self, double time_us);
/* Whether any point is from before the set was full: else how fast it fills is a guess, on the slow
 * side. */
int curve_was_open (const struct curve_model *self);
/* The guest time in which it writes BYTES; LIMIT_US when it takes longer. */
double curve_time_us (const struct curve_model *self, double bytes, double limit_us);

#endif
