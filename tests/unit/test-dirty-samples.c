/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Which samples of pages are taken beside a first pass, and what they tell. */
#include "agent/migration/dirty-samples.h"
#include "plugins/curve.h"
#include "tests/unit/check.h"

#define MIB ((guint64)1024 * 1024)
#define GIB (1024 * MIB)

static const QmpVersion qemu_10 = { .major = 10 }, qemu_7 = { .major = 7, .minor = 2 };

/* A second after the start; LINK in bytes per second. */
static Sample
guest (guint64 ram, guint64 link)
{
    Sample s;

    sample_init (&s);
    s.now_us = G_USEC_PER_SEC;
    s.total_bytes = s.remaining_bytes = ram;
    s.link_bytes_per_s = link;
    s.guest_running = 1;
    s.syncs = 1;
    return s;
}

static guint
samples_of (const Sample *s, const QmpVersion *version)
{
    guint taken = 0;

    while (dirty_samples_next_ms (taken, s, version))
        taken++;
    return taken;
}

static void
test_a_long_first_pass_has_longer_samples (void)
{
    Sample s = guest (GIB, 512 * MIB);

    g_assert_cmpuint (samples_of (&s, &qemu_10), ==, 2);
    g_assert_cmpuint (dirty_samples_next_ms (0, &s, &qemu_10), ==, 100);
    g_assert_cmpuint (dirty_samples_next_ms (1, &s, &qemu_10), ==, 400);
    s = guest (30 * GIB, GIB);
    g_assert_cmpuint (samples_of (&s, &qemu_10), ==, 3);
    g_assert_cmpuint (dirty_samples_next_ms (2, &s, &qemu_10), ==, 2000);
    s = guest (70 * GIB, GIB);
    g_assert_cmpuint (samples_of (&s, &qemu_10), ==, 4);
    g_assert_cmpuint (dirty_samples_next_ms (3, &s, &qemu_10), ==, 5000);
    s.link_bytes_per_s = SAMPLE_UNKNOWN;
    g_assert_cmpuint (samples_of (&s, &qemu_10), ==, 2);
}

static void
test_there_are_none_where_they_cannot_be (void)
{
    Sample s = guest (GIB, GIB);

    g_assert_cmpuint (samples_of (&s, &qemu_7), ==, 0);
    s.syncs = 2; /* the second pass */
    g_assert_cmpuint (samples_of (&s, &qemu_10), ==, 0);
    s = guest (GIB, GIB);
    s.guest_running = 0;
    g_assert_cmpuint (samples_of (&s, &qemu_10), ==, 0);
    s = guest (64 * MIB, GIB);
    g_assert_cmpuint (samples_of (&s, &qemu_10), ==, 0);
}

static guint
points_after (guint64 ram, guint64 bytes)
{
    Sample s = guest (ram, GIB);
    struct qmpmig_curve curve;
    Estimate estimate;

    estimate_init (&estimate);
    dirty_samples_take (&estimate, &s, 400, bytes);
    curve = working_set_curve (&estimate.set);
    return curve_points (&curve);
}

/* Of 1 TiB QEMU looks at 131072 pages, however few are asked for: 16 of them are 128 MiB. */
static void
test_hits_are_of_the_pages_that_are_looked_at (void)
{
    g_assert_cmpuint (points_after (GIB, 3 * MIB), ==, 0);
    g_assert_cmpuint (points_after (GIB, 5 * MIB), ==, 1);
    g_assert_cmpuint (points_after (1024 * GIB, 100 * MIB), ==, 0);
    g_assert_cmpuint (points_after (1024 * GIB, 150 * MIB), ==, 1);
}

int
main (int argc, char **argv)
{
    g_test_init (&argc, &argv, NULL);
    check_add ("/dirty-samples/a-long-first-pass-has-longer-ones",
               test_a_long_first_pass_has_longer_samples);
    check_add ("/dirty-samples/there-are-none-where-they-cannot-be",
               test_there_are_none_where_they_cannot_be);
    check_add ("/dirty-samples/hits-are-of-the-pages-that-are-looked-at",
               test_hits_are_of_the_pages_that_are_looked_at);
    return g_test_run ();
}
