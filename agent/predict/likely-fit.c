/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "agent/predict/likely-fit.h"

#include <math.h>

#define PAGE 4096.0
/* Times in which a class is written through, in steps between these shares of the shortest and the
 * longest time. */
#define STEPS    48
#define SHORTEST 0.25
#define LONGEST  8.0
/* No guest is one class of pages: nothing is met better than this. */
#define ROUGH 0.05
/* What a guest has to be nearer to the points by, in squared deviations, to be taken for one that
 * goes through its memory in turn, or for two classes: most are neither. */
#define ODD_SWEEP 3.0
#define ODD_TWO   3.0

typedef struct {
    gboolean sweep;
    double us, bytes;
} Class;

typedef struct {
    Class fast, slow;
    double off;
} Guess;

typedef struct {
    const CurvePoint *points;
    guint count;
    double memory_bytes;
    Guess best;
} Search;

static double
share (const Class *class, double us)
{
    double rounds = class->us > 0 ? us / class->us : 0;

    return class->sweep ? MIN (rounds, 1) : 1 - exp (-rounds);
}

/* One over the squared deviation of a point. */
static double
weight (const CurvePoint *point)
{
    double off = MAX (hypot (point->error / 2, ROUGH) * point->bytes, PAGE);

    return 1 / (off * off);
}

/* Both sizes by least squares; one that would be below nothing is nothing. */
static void
find_sizes (const Search *self, Guess *guess)
{
    double ff = 0, fs = 0, ss = 0, fy = 0, sy = 0, det;

    for (guint i = 0; i < self->count; i++) {
        const CurvePoint *point = &self->points[i];
        double w = weight (point);
        double f = share (&guess->fast, point->us), s = share (&guess->slow, point->us);

        ff += w * f * f;
        fs += w * f * s;
        ss += w * s * s;
        fy += w * f * point->bytes;
        sy += w * s * point->bytes;
    }
    det = ff * ss - fs * fs;
    if (det > 1e-9 * ff * ss) {
        guess->fast.bytes = MAX ((fy * ss - sy * fs) / det, 0);
        guess->slow.bytes = MAX ((sy * ff - fy * fs) / det, 0);
        return;
    }
    guess->fast.bytes = ff > 0 ? fy / ff : 0;
    guess->slow.bytes = 0;
}

static double
deviation (const Search *self, const Guess *guess)
{
    double sum = 0;

    for (guint i = 0; i < self->count; i++) {
        const CurvePoint *point = &self->points[i];
        double left = point->bytes - guess->fast.bytes * share (&guess->fast, point->us) -
                      guess->slow.bytes * share (&guess->slow, point->us);

        sum += left * left * weight (point);
    }
    return sum;
}

static void
try (Search *self, Guess guess)
{
    find_sizes (self, &guess);
    if (guess.fast.bytes + guess.slow.bytes > self->memory_bytes)
        return;
    guess.off = deviation (self, &guess);
    if (guess.fast.sweep)
        guess.off += ODD_SWEEP;
    if (guess.fast.bytes > 0 && guess.slow.bytes > 0)
        guess.off += ODD_TWO;
    if (guess.off < self->best.off)
        self->best = guess;
}

static double
time_at (const Search *self, guint step)
{
    double first = self->points[0].us * SHORTEST;
    double last = self->points[self->count - 1].us * LONGEST;

    return first * pow (last / first, step / (STEPS - 1.0));
}

static void
search (Search *self)
{
    for (guint sweep = 0; sweep < 2; sweep++)
        for (guint i = 0; i < STEPS; i++) {
            Guess guess = { .fast = { .sweep = sweep, .us = time_at (self, i) } };

            try (self, guess);
            for (guint k = i + 1; k < STEPS; k++) {
                guess.slow.us = time_at (self, k);
                try (self, guess);
            }
        }
}

static void
append_class (GString *out, const Class *class, const char *keys)
{
    double size = floor (class->bytes / PAGE) * PAGE;
    double rate = size > 0 ? size / class->us * G_USEC_PER_SEC / 1024 : 0;

    if (rate >= 1)
        g_string_append_printf (out, "%s%s:%.0fKiB@%.0fKiB/s%s", out->len ? "+" : "",
                                class->sweep ? "sweep" : "hot", size / 1024, rate, keys);
}

void
likely_fit (GString *out, const CurvePoint *points, guint count, guint64 memory_bytes,
            const char *keys)
{
    Search self = { .points = points,
                    .count = count,
                    .memory_bytes = (double)memory_bytes,
                    .best = { .off = INFINITY } };

    search (&self);
    append_class (out, &self.best.fast, keys);
    append_class (out, &self.best.slow, keys);
}
