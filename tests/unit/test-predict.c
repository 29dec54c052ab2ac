/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include <math.h>
#include <string.h>

#include "agent/predict/measurement.h"
#include "agent/simulate/workload.h"
#include "tests/unit/check.h"

#define MEMORY   ((guint64)4 << 30)
#define POINTS   4
#define CLOSE_BY 0.1

static const double times_us[POINTS] = { 100000, 400000, 1000000, 3000000 };

static void
parse (Workload *workload, const char *terms)
{
    g_autoptr (GError) error = NULL;

    g_assert_true (workload_parse (workload, "it", terms, MEMORY, &error));
    g_assert_no_error (error);
}

static void
measure (const char *terms, double error, CurvePoint *points)
{
    g_auto (Workload) workload = { 0 };

    parse (&workload, terms);
    for (guint i = 0; i < POINTS; i++)
        points[i] = (CurvePoint){ times_us[i], workload_curve (&workload, times_us[i]), error };
}

/* By what share the curve of these terms is off the points, where it is worst. */
static double
worst (const char *terms, const CurvePoint *points)
{
    g_auto (Workload) workload = { 0 };
    double off = 0;

    parse (&workload, terms);
    for (guint i = 0; i < POINTS; i++)
        off = MAX (off, fabs (workload_curve (&workload, points[i].us) / points[i].bytes - 1));
    return off;
}

static const char *const guests[] = {
    "hot:64MiB@10GiB/s",
    "hot:1GiB@50MiB/s",
    "hot:64MiB@1GiB/s+hot:2GiB@200MiB/s",
    "zipf:2GiB@500MiB/s",
};

static void
test_fit (void)
{
    for (guint i = 0; i < G_N_ELEMENTS (guests); i++) {
        CurvePoint points[POINTS];
        g_autofree char *terms = NULL;

        measure (guests[i], 0, points);
        terms = curve_fit (points, POINTS, FIT_LIKELY, MEMORY, 0);
        g_test_message ("%s: %s", guests[i], terms);
        g_assert_cmpfloat (worst (terms, points), <, CLOSE_BY);
    }
}

/* The check above sees a guest that is not the one measured. */
static void
test_another_guest (void)
{
    CurvePoint points[POINTS];

    measure (guests[0], 0, points);
    for (guint i = 1; i < G_N_ELEMENTS (guests); i++)
        g_assert_cmpfloat (worst (guests[i], points), >, CLOSE_BY);
}

static void
test_range (void)
{
    CurvePoint points[POINTS];
    double before = 0;

    measure ("hot:2GiB@100MiB/s", 0.2, points);
    for (guint fit = FIT_CALM; fit < FIT_COUNT; fit++) {
        g_autofree char *terms = curve_fit (points, POINTS, (Fit)fit, MEMORY, 0);
        g_auto (Workload) workload = { 0 };
        double later;

        parse (&workload, terms);
        later = workload_curve (&workload, 30 * G_USEC_PER_SEC);
        g_assert_cmpfloat (later, >, before * 1.1);
        before = later;
    }
}

/* Two looks have fallen between bursts. */
static void
test_bursts (void)
{
    const CurvePoint points[] = {
        { 100000, 0, 0.5 }, { 400000, 0, 0.5 }, { 1000000, 61e6, 0.1 }, { 3000000, 100e6, 0.1 }
    };
    g_autofree char *terms = curve_fit (points, POINTS, FIT_LIKELY, MEMORY, 0);
    g_auto (Workload) workload = { 0 };

    parse (&workload, terms);
    g_assert_cmpfloat_with_epsilon (workload_curve (&workload, 3000000), 100e6, 15e6);
    g_assert_cmpfloat (workload_curve (&workload, 400000), >, 15e6);
}

/* What follows a straight line to its end goes through its memory in turn, and what bends early
 * does not. */
static void
test_shapes (void)
{
    static const struct {
        const char *guest, *shape;
    } known[] = { { "sweep:64MiB@100MiB/s", "sweep:" }, { "hot:64MiB@100MiB/s", "hot:" } };

    for (guint i = 0; i < G_N_ELEMENTS (known); i++) {
        CurvePoint points[POINTS];
        g_autofree char *terms = NULL;

        measure (known[i].guest, 0.05, points);
        terms = curve_fit (points, POINTS, FIT_LIKELY, MEMORY, 0);
        g_test_message ("%s: %s", known[i].guest, terms);
        g_assert_true (g_str_has_prefix (terms, known[i].shape));
        g_assert_null (strchr (terms, '+'));
    }
}

/* That the last point is a little below the one before it does not make it worth nothing. */
static void
test_noise (void)
{
    const CurvePoint points[] = { { 100000, 9.2e6, 0.2 },
                                  { 400000, 38.6e6, 0.08 },
                                  { 1000000, 63.5e6, 0.06 },
                                  { 3000000, 61.5e6, 0.06 } };
    g_autofree char *terms = curve_fit (points, POINTS, FIT_LIKELY, MEMORY, 0);

    g_test_message ("%s", terms);
    g_assert_true (g_str_has_prefix (terms, "sweep:"));
}

/* What was never touched is not written to either. */
static void
test_touched (void)
{
    CurvePoint points[POINTS];
    g_auto (Workload) workload = { 0 };
    g_autofree char *terms = NULL;

    measure ("hot:4GiB@100MiB/s", 0.05, points);
    terms = curve_fit (points, POINTS, FIT_LIKELY, MEMORY, 0.75);
    parse (&workload, terms);
    g_assert_cmpfloat (workload_curve (&workload, 1e12), <=, (double)MEMORY * 0.25);
}

static void
test_memory (void)
{
    CurvePoint points[POINTS];
    g_auto (Workload) workload = { 0 };
    g_autofree char *terms = NULL;

    measure ("hot:4GiB@4GiB/s", 0.5, points);
    terms = curve_fit (points, POINTS, FIT_BUSY, MEMORY, 0);
    parse (&workload, terms);
    g_assert_cmpfloat (workload_curve (&workload, 1e12), <=, (double)MEMORY);
}

static void
test_idle (void)
{
    const CurvePoint points[] = { { 100000, 0, 0.5 }, { 1000000, 0, 0.5 } };
    g_autofree char *terms = curve_fit (points, 2, FIT_LIKELY, MEMORY, 0.75);

    g_assert_cmpstr (terms, ==, "idle+zero:75%");
}

static void
test_smaps (void)
{
    static const char *const text = "7f00-7f10 rw-p 00000000 00:00 0\n"
                                    "Size:            4194304 kB\nRss:             1048576 kB\n"
                                    "Private_Hugetlb:  524288 kB\nSwap:             524288 kB\n"
                                    "7f20-7f30 rw-p 00000000 00:00 0\n"
                                    "Size:               1024 kB\nRss:                1024 kB\n";
    g_autofree char *twice = g_strconcat (text, text, NULL);

    g_assert_cmpfloat_with_epsilon (measurement_parse_smaps (text, MEMORY), 0.5, 1e-9);
    g_assert_cmpfloat (measurement_parse_smaps (text, MEMORY / 2), <, 0);
    g_assert_cmpfloat (measurement_parse_smaps (twice, MEMORY), <, 0);
}

int
main (int argc, char **argv)
{
    g_test_init (&argc, &argv, NULL);
    check_add ("/predict/a-guest-is-found-that-has-the-curve", test_fit);
    check_add ("/predict/another-guest-does-not-have-it", test_another_guest);
    check_add ("/predict/what-is-not-known-is-a-range", test_range);
    check_add ("/predict/who-writes-in-bursts-is-not-idle", test_bursts);
    check_add ("/predict/its-shape-is-found", test_shapes);
    check_add ("/predict/noise-does-not-hide-the-shape", test_noise);
    check_add ("/predict/untouched-memory-is-not-written-to", test_touched);
    check_add ("/predict/no-more-is-written-than-there-is-memory", test_memory);
    check_add ("/predict/who-writes-nothing-is-idle", test_idle);
    check_add ("/predict/untouched-memory-is-seen-where-it-is-one-piece", test_smaps);
    return g_test_run ();
}
