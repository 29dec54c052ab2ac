/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "agent/predict/look-fit.h"

#include <math.h>

#define PAGE 4096.0
/* A guest whose looks are met so well needs no more than one class. */
#define WELL 0.05
/* Times in which a class is written through, in steps between these shares of the shortest and the
 * longest look. */
#define TIMES    72
#define SHORTEST 0.05
#define LONGEST  4
/* Where one class is not enough there are so many, up to one so slow. */
#define MANY    12
#define FASTEST 0.25
#define SLOWEST 10
#define ROUNDS  500
/* Where looks leave it open a class is written through in about the time between them. */
#define LEANING 0.01
/* Smaller amounts are as wrong as this share of the largest. */
#define LEAST 0.05

typedef struct {
    gboolean sweep;
    double us; /* in which it is written through; at random but for 1/e */
    double bytes;
} Class;

typedef struct {
    Class classes[MANY];
    guint count;
    double error;
} Guess;

typedef struct {
    const GArray *looks;
    double least_bytes, most_bytes;
} Problem;

static double
share (const Class *class, double us)
{
    double rounds = us / class->us;

    return class->sweep ? MIN (rounds, 1) : 1 - exp (-rounds);
}

static const Look *
look_at (const Problem *self, guint i)
{
    return &g_array_index (self->looks, Look, i);
}

static double
weight (const Problem *self, const Look *look)
{
    double bytes = MAX (look->bytes, self->least_bytes);

    return look->trust / (bytes * bytes);
}

/* What the classes of GUESS but for EXCEPT would have written at that look. */
static double
written_at (const Guess *guess, const Look *look, guint except)
{
    double bytes = 0;

    for (guint k = 0; k < guess->count; k++)
        if (k != except && guess->classes[k].bytes > 0)
            bytes += guess->classes[k].bytes * share (&guess->classes[k], look->us);
    return bytes;
}

/* The size of one class that meets the looks best beside the others as they are; never below
 * nothing, and no more than there is room for. */
static void
size_beside (const Problem *self, Guess *guess, guint index)
{
    Class *class = &guess->classes[index];
    double above = 0, below = 0, room = self->most_bytes;

    for (guint i = 0; i < self->looks->len; i++) {
        const Look *look = look_at (self, i);
        double part = share (class, look->us) * weight (self, look);

        above += part * (look->bytes - written_at (guess, look, index));
        below += part * share (class, look->us);
    }
    for (guint k = 0; k < guess->count; k++)
        room -= k == index ? 0 : guess->classes[k].bytes;
    class->bytes = below > 0 ? CLAMP (above / below, 0, MAX (room, 0)) : 0;
}

static double
error_of (const Problem *self, const Guess *guess)
{
    double sum = 0, all = 0;

    for (guint i = 0; i < self->looks->len; i++) {
        const Look *look = look_at (self, i);
        double left = look->bytes - written_at (guess, look, MANY);

        all += look->trust;
        sum += left * left * weight (self, look);
    }
    return sqrt (sum / all);
}

static double
time_at (const Problem *self, guint step, guint steps, double shortest, double longest)
{
    double first = look_at (self, 0)->us * shortest;
    double last = look_at (self, self->looks->len - 1)->us * longest;

    return first * pow (last / first, step / (steps - 1.0));
}

static void
keep_better (const Problem *self, Guess *best, Guess *guess)
{
    double middle = sqrt (look_at (self, 0)->us * look_at (self, self->looks->len - 1)->us) / 2;

    guess->error = error_of (self, guess) + LEANING * fabs (log (guess->classes[0].us / middle));
    if (guess->error < best->error)
        *best = *guess;
}

static void
try_one (const Problem *self, gboolean sweep, Guess *best)
{
    for (guint i = 0; i < TIMES; i++) {
        Guess guess = { .classes[0] = { .sweep = sweep,
                                        .us = time_at (self, i, TIMES, SHORTEST, LONGEST) },
                        .count = 1 };

        size_beside (self, &guess, 0);
        keep_better (self, best, &guess);
    }
}

/* Most of them come out empty. */
static void
try_many (const Problem *self, Guess *best)
{
    Guess guess = { .count = MANY };

    for (guint k = 0; k < MANY; k++)
        guess.classes[k].us = time_at (self, k, MANY, FASTEST, SLOWEST);
    for (guint round = 0; round < ROUNDS; round++)
        for (guint k = 0; k < MANY; k++)
            size_beside (self, &guess, k);
    guess.error = error_of (self, &guess);
    if (guess.error < best->error)
        *best = guess;
}

static int
compare_looks (gconstpointer a, gconstpointer b)
{
    double x = ((const Look *)a)->us, y = ((const Look *)b)->us;

    return (x > y) - (x < y);
}

static void
append_class (GString *out, const Class *class, const char *keys, double *room)
{
    double size = floor (MIN (class->bytes, *room) / PAGE) * PAGE;
    double rate = size / class->us * G_USEC_PER_SEC / 1024;

    if (size < PAGE || rate < 1)
        return;
    *room -= size;
    g_string_append_printf (out, "%s%s:%.0fKiB@%.0fKiB/s%s", out->len ? "+" : "",
                            class->sweep ? "sweep" : "hot", size / 1024, rate, keys);
}

static double
largest (const Problem *self)
{
    double most = PAGE;

    for (guint i = 0; i < self->looks->len; i++)
        most = MAX (most, look_at (self, i)->bytes);
    return most;
}

static Guess
find_best (const GArray *looks, double memory_bytes)
{
    Problem problem = { .looks = looks, .most_bytes = memory_bytes };
    Guess best = { .error = INFINITY };

    if (!looks->len)
        return best;
    problem.least_bytes = LEAST * largest (&problem);
    try_one (&problem, FALSE, &best);
    try_one (&problem, TRUE, &best);
    if (best.error > WELL)
        try_many (&problem, &best);
    return best;
}

char *
look_fit (GArray *looks, guint64 memory_bytes, const char *keys, double *ret_written_bytes)
{
    GString *out = g_string_new (NULL);
    double room = (double)memory_bytes;
    Guess best;

    g_array_sort (looks, compare_looks);
    best = find_best (looks, room);
    for (guint k = 0; k < best.count; k++)
        append_class (out, &best.classes[k], keys, &room);
    if (!out->len)
        g_string_append (out, "idle");
    *ret_written_bytes = (double)memory_bytes - room;
    return g_string_free (out, FALSE);
}
