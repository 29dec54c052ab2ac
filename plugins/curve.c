/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "curve.h"

#include <math.h>

/* Points closer than this are one. */
#define SAME_TIME 1.15
/* How far below the smallest point the set may be taken to have been filled before it: beyond, the
 * points say nothing about it. */
#define FULL 4.0
/* So close to it is at it. */
#define NEARLY_FULL 0.95
/* Between two points a set may have been full all along. */
#define OVERFULL 30.0
/* Of a single point: how writes spread over time, by experience between 0.6 and 1. */
#define PRIOR_POWER 0.8
#define BISECTIONS  50

void
curve_init (struct qmpmig_curve *self)
{
    for (unsigned i = 0; i < QMPMIG_CURVE_POINTS; i++)
        self->time_us[i] = self->bytes[i] = QMPMIG_UNKNOWN;
}

unsigned
curve_points (const struct qmpmig_curve *self)
{
    unsigned count = 0;

    while (count < QMPMIG_CURVE_POINTS && self->time_us[count] != QMPMIG_UNKNOWN)
        count++;
    return count;
}

static void
remove_point (struct qmpmig_curve *self, unsigned at, unsigned count)
{
    for (unsigned i = at; i + 1 < count; i++) {
        self->time_us[i] = self->time_us[i + 1];
        self->bytes[i] = self->bytes[i + 1];
    }
    self->time_us[count - 1] = self->bytes[count - 1] = QMPMIG_UNKNOWN;
}

/* The one that is missed least: whose neighbours are closest to each other. */
static unsigned
crowded_point (const struct qmpmig_curve *self, unsigned count)
{
    unsigned found = 1;

    for (unsigned i = 2; i + 1 < count; i++)
        if ((double)self->time_us[i + 1] / (double)self->time_us[i - 1] <
            (double)self->time_us[found + 1] / (double)self->time_us[found - 1])
            found = i;
    return found;
}

static int
is_same_time (uint64_t a, uint64_t b)
{
    return (double)a < (double)b * SAME_TIME && (double)b < (double)a * SAME_TIME;
}

static unsigned
insert_point (struct qmpmig_curve *self, uint64_t time_us, uint64_t bytes, unsigned count)
{
    unsigned at = count;

    for (; at > 0 && self->time_us[at - 1] > time_us; at--) {
        self->time_us[at] = self->time_us[at - 1];
        self->bytes[at] = self->bytes[at - 1];
    }
    self->time_us[at] = time_us;
    self->bytes[at] = bytes;
    return at;
}

/* More time is never fewer bytes, and bytes never grow faster than time. */
static void
believe (struct qmpmig_curve *self, unsigned at, unsigned count)
{
    double time = (double)self->time_us[at], bytes = (double)self->bytes[at];

    for (unsigned i = 0; i < count; i++) {
        double scaled = bytes * (double)self->time_us[i] / time;
        double least = i < at ? scaled : bytes, most = i < at ? bytes : scaled;

        self->bytes[i] = (uint64_t)fmin (fmax ((double)self->bytes[i], least), most);
    }
}

void
curve_add (struct qmpmig_curve *self, uint64_t time_us, uint64_t bytes)
{
    unsigned count = curve_points (self), at;

    if (time_us == 0)
        return;
    for (unsigned i = 0; i < count;)
        if (is_same_time (self->time_us[i], time_us)) {
            bytes = (bytes + self->bytes[i]) / 2;
            time_us = (time_us + self->time_us[i]) / 2;
            remove_point (self, i, count--);
        } else {
            i++;
        }
    if (count == QMPMIG_CURVE_POINTS)
        remove_point (self, crowded_point (self, count), count), count--;
    at = insert_point (self, time_us, bytes, count);
    believe (self, at, count + 1);
}

double
curve_possible (const struct qmpmig_curve *self, uint64_t time_us, double bytes)
{
    double least = 0, most = HUGE_VAL;

    for (unsigned i = 0; i < curve_points (self); i++) {
        double seen = (double)self->bytes[i];
        double scaled = seen * (double)time_us / (double)self->time_us[i];
        int is_earlier = self->time_us[i] < time_us;

        least = fmax (least, is_earlier ? seen : scaled);
        most = fmin (most, is_earlier ? scaled : seen);
    }
    return fmin (fmax (bytes, least), most);
}

static int
has_time (const struct qmpmig_curve *self, uint64_t time_us)
{
    for (unsigned i = 0; i < curve_points (self); i++)
        if (is_same_time (self->time_us[i], time_us))
            return 1;
    return 0;
}

void
curve_add_beside (struct qmpmig_curve *self, uint64_t time_us, uint64_t bytes)
{
    unsigned count = curve_points (self);
    double possible = curve_possible (self, time_us, (double)bytes);

    if (time_us == 0 || has_time (self, time_us))
        return;
    if (count == QMPMIG_CURVE_POINTS)
        remove_point (self, crowded_point (self, count), count), count--;
    insert_point (self, time_us, (uint64_t)possible, count);
}

/* How often each page of the set is written in the time of the point before RIGHT: of N bytes
 * written at random, N (1 - e^-x) are reached. Two points tell x. */
static double
fill_of (const struct qmpmig_curve *self, unsigned right, double most)
{
    double times = (double)self->time_us[right] / (double)self->time_us[right - 1];
    double ratio = (double)self->bytes[right - 1] / fmax ((double)self->bytes[right], 1);
    double low = 1e-6, high = most;

    for (unsigned i = 0; i < BISECTIONS; i++) {
        double x = (low + high) / 2;

        if (-expm1 (-x) / -expm1 (-x * times) < ratio)
            low = x;
        else
            high = x;
    }
    return (low + high) / 2;
}

void
curve_model_init (struct curve_model *self, const struct qmpmig_curve *curve)
{
    self->curve = *curve;
    self->points = curve_points (curve);
    self->fill[0] = self->points < 2 ? 0 : fill_of (curve, 1, FULL);
    for (unsigned i = 1; i < self->points; i++)
        self->fill[i] = fill_of (curve, i, OVERFULL);
}

static double
below_first (const struct curve_model *self, double part)
{
    double bytes = (double)self->curve.bytes[0];

    if (self->points < 2)
        return bytes * pow (part, PRIOR_POWER);
    return bytes * -expm1 (-self->fill[0] * part) / -expm1 (-self->fill[0]);
}

/* As one set that fills; a chord is the least that a concave curve can be, and far from it where
 * points lie apart. */
static double
on_segment (const struct curve_model *self, unsigned right, double time_us)
{
    double part = time_us / (double)self->curve.time_us[right - 1], x = self->fill[right];

    return (double)self->curve.bytes[right - 1] * -expm1 (-x * part) / -expm1 (-x);
}

double
curve_bytes (const struct curve_model *self, double time_us)
{
    const struct qmpmig_curve *curve = &self->curve;
    unsigned right = 0;

    if (self->points == 0 || time_us <= 0)
        return 0;
    while (right < self->points && (double)curve->time_us[right] < time_us)
        right++;
    if (right == 0 || self->points == 1)
        return below_first (self, time_us / (double)curve->time_us[0]);
    return on_segment (self, right < self->points ? right : (unsigned)self->points - 1, time_us);
}

int
curve_was_open (const struct curve_model *self)
{
    return self->points > 1 && self->fill[0] < NEARLY_FULL * FULL;
}

double
curve_time_us (const struct curve_model *self, double bytes, double limit_us)
{
    double low = 0, high = limit_us;

    if (curve_bytes (self, limit_us) <= bytes)
        return limit_us;
    for (unsigned i = 0; i < BISECTIONS; i++) {
        double middle = (low + high) / 2;

        if (curve_bytes (self, middle) <= bytes)
            low = middle;
        else
            high = middle;
    }
    return low;
}
