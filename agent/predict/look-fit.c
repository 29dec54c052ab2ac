/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "agent/predict/look-fit.h"

#include <math.h>

#define PAGE 4096.0
/* A guest whose looks are met so well needs no second class. */
#define WELL 0.05
/* Times in which a class is written through, in steps between these shares of the shortest and the
 * longest look. */
#define TIMES    64
#define SHORTEST 0.05
#define LONGEST  1.5
/* Where looks leave it open a class is written through in about the time between them. */
#define LEANING 0.002
/* Smaller amounts are as wrong as these. */
#define LEAST_BYTES (64 * PAGE)

typedef struct {
    gboolean sweep;
    double us; /* in which it is written through; at random but for 1/e */
    double bytes;
} Class;

typedef struct {
    Class classes[2];
    double error;
} Guess;

static double
share (const Class *class, double us)
{
    double rounds = us / class->us;

    return class->sweep ? MIN (rounds, 1) : 1 - exp (-rounds);
}

static const Look *
look_at (const GArray *looks, guint i)
{
    return &g_array_index (looks, Look, i);
}

static double
weight (const Look *look)
{
    double bytes = MAX (look->bytes, LEAST_BYTES);

    return 1 / (bytes * bytes);
}

/* The size of one class that meets LOOKS best beside OTHER; never below nothing. */
static void
size_beside (const GArray *looks, Class *class, const Class *other)
{
    double above = 0, below = 0;

    for (guint i = 0; i < looks->len; i++) {
        const Look *look = look_at (looks, i);
        double part = share (class, look->us) * weight (look);

        above += part * (look->bytes - (other ? other->bytes * share (other, look->us) : 0));
        below += part * share (class, look->us);
    }
    class->bytes = below > 0 ? MAX (above / below, 0) : 0;
}

static double
error_of (const GArray *looks, const Guess *guess)
{
    double sum = 0;

    for (guint i = 0; i < looks->len; i++) {
        const Look *look = look_at (looks, i);
        double left = look->bytes;

        for (guint k = 0; k < G_N_ELEMENTS (guess->classes); k++)
            if (guess->classes[k].bytes > 0)
                left -= guess->classes[k].bytes * share (&guess->classes[k], look->us);
        sum += left * left * weight (look);
    }
    return sqrt (sum / looks->len);
}

static double
time_at (const GArray *looks, guint step)
{
    double first = look_at (looks, 0)->us * SHORTEST;
    double last = look_at (looks, looks->len - 1)->us * LONGEST;

    return first * pow (last / first, step / (TIMES - 1.0));
}

static void
keep_better (const GArray *looks, Guess *best, Guess *guess)
{
    double middle = sqrt (look_at (looks, 0)->us * look_at (looks, looks->len - 1)->us) / 2;

    guess->error = error_of (looks, guess) + LEANING * fabs (log (guess->classes[0].us / middle));
    if (guess->error < best->error)
        *best = *guess;
}

static void
try_one (const GArray *looks, gboolean sweep, Guess *best)
{
    for (guint i = 0; i < TIMES; i++) {
        Guess guess = { .classes[0] = { .sweep = sweep, .us = time_at (looks, i) } };

        size_beside (looks, &guess.classes[0], NULL);
        keep_better (looks, best, &guess);
    }
}

static void
try_two (const GArray *looks, Guess *best)
{
    for (guint i = 0; i < TIMES; i++)
        for (guint k = i + 1; k < TIMES; k++) {
            Guess guess = { .classes = { { .us = time_at (looks, i) },
                                         { .us = time_at (looks, k) } } };

            for (guint round = 0; round < 50; round++) {
                size_beside (looks, &guess.classes[0], &guess.classes[1]);
                size_beside (looks, &guess.classes[1], &guess.classes[0]);
            }
            keep_better (looks, best, &guess);
        }
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

char *
look_fit (GArray *looks, guint64 memory_bytes, const char *keys, double *ret_written_bytes)
{
    Guess best = { .error = INFINITY };
    GString *out = g_string_new (NULL);
    double room = (double)memory_bytes;

    if (looks->len) {
        g_array_sort (looks, compare_looks);
        try_one (looks, FALSE, &best);
        try_one (looks, TRUE, &best);
        if (best.error > WELL)
            try_two (looks, &best);
    }
    for (guint k = 0; k < G_N_ELEMENTS (best.classes); k++)
        append_class (out, &best.classes[k], keys, &room);
    if (!out->len)
        g_string_append (out, "idle");
    *ret_written_bytes = (double)memory_bytes - room;
    return g_string_free (out, FALSE);
}
