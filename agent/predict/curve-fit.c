/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "agent/predict/curve-fit.h"

#include <math.h>

#include "agent/predict/likely-fit.h"

#define CLASSES 10
#define ROUNDS  2000
#define PAGE    4096.0
/* The fastest class is written through in this share of the shortest time. */
#define FASTEST 0.25

/* How much of a page is written anew nobody can ask QEMU: for xbzrle it is little, half, or all. */
static const char *const deltas[FIT_COUNT] = { ",delta=256B", ",delta=2KiB", "" };

/* What a point may be off at most that had to be straightened: else by so much. */
#define GUESSED 0.5

/* The slowest in so many of the longest. */
static const double slowest[FIT_COUNT] = { 1, 4, 16 };

typedef struct {
    const CurvePoint *points;
    guint count;
    double wanted[CLASSES]; /* by point: bytes */
    double us[CLASSES];     /* by class: in which it is written through but for 1/e */
    double bytes[CLASSES];  /* by class */
} Problem;

static double
share_written (const Problem *self, guint class, guint point)
{
    return 1 - exp (-self->points[point].us / self->us[class]);
}

static void
set_up (Problem *self, const CurvePoint *points, guint count, Fit fit)
{
    double sign = fit == FIT_CALM ? -1 : fit == FIT_BUSY ? 1 : 0, before = 0;
    double first = points[0].us * FASTEST, last = points[count - 1].us * slowest[fit];

    self->points = points;
    self->count = count;
    for (guint i = 0; i < count; i++) {
        double bytes = points[i].bytes * MAX (1 + sign * points[i].error, 0);

        self->wanted[i] = before = MAX (bytes, before);
    }
    for (guint k = 0; k < CLASSES; k++)
        self->us[k] = first * pow (last / first, k / (CLASSES - 1.0));
}

/* The size of one class that fits best beside the others as they are; never below nothing. */
static void
improve (Problem *self, guint class)
{
    double above = 0, below = 0;

    for (guint i = 0; i < self->count; i++) {
        double left = self->wanted[i], f = share_written (self, class, i);
        double weight = 1 / MAX (self->wanted[i] * self->wanted[i], PAGE * PAGE);

        for (guint k = 0; k < CLASSES; k++)
            left -= k == class ? 0 : self->bytes[k] * share_written (self, k, i);
        above += left * f * weight;
        below += f * f * weight;
    }
    self->bytes[class] = MAX (above / below, 0);
}

static void
append_class (GString *out, double bytes, double us, double *room, const char *keys)
{
    double size = floor (MIN (bytes, *room) / PAGE) * PAGE;
    double rate = bytes / us * G_USEC_PER_SEC / 1024;

    if (size < PAGE || rate < 1)
        return;
    *room -= size;
    g_string_append_printf (out, "%shot:%.0fKiB@%.0fKiB/s%s", out->len ? "+" : "", size / 1024,
                            rate, keys);
}

/* Who writes now and then, in bursts, may have been looked at between them: on average no more is
 * written in each part of a time than in all of it, and no less in a part than its share. */
static void
straighten (CurvePoint *to, const CurvePoint *points, guint count)
{
    for (guint i = 0; i < count; i++) {
        to[i] = points[i];
        for (guint k = 0; k < count; k++)
            to[i].bytes = MAX (to[i].bytes, points[k].bytes * MIN (points[i].us / points[k].us, 1));
        if (to[i].bytes > points[i].bytes)
            to[i].error = MAX (to[i].error, MIN (1 - points[i].bytes / to[i].bytes, GUESSED));
    }
}

static void
fit_classes (GString *out, const CurvePoint *points, guint count, Fit fit, guint64 memory_bytes)
{
    Problem problem = { 0 };
    double room = (double)memory_bytes;

    set_up (&problem, points, count, fit);
    for (guint i = 0; i < ROUNDS; i++)
        for (guint k = 0; k < CLASSES; k++)
            improve (&problem, k);
    for (guint k = 0; k < CLASSES; k++)
        append_class (out, problem.bytes[k], problem.us[k], &room, deltas[fit]);
}

char *
curve_fit (const CurvePoint *points, guint count, Fit fit, guint64 memory_bytes, double zero)
{
    GString *out = g_string_new (NULL);
    CurvePoint straight[CLASSES];

    g_return_val_if_fail (count > 0 && count <= CLASSES, NULL);
    straighten (straight, points, count);
    if (fit == FIT_LIKELY)
        likely_fit (out, straight, count, (guint64)((double)memory_bytes * (1 - zero)),
                    deltas[fit]);
    else
        fit_classes (out, straight, count, fit, memory_bytes);
    if (!out->len)
        g_string_append (out, "idle");
    if (zero > 0)
        g_string_append_printf (out, "+zero:%.0f%%", zero * 100);
    return g_string_free (out, FALSE);
}
