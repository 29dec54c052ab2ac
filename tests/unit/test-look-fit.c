/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include <math.h>
#include <string.h>

#include "agent/predict/look-fit.h"
#include "agent/simulate/workload.h"
#include "tests/unit/check.h"

#define MEMORY   ((guint64)512 << 20)
#define CLOSE_BY 0.1

/* Passes that get shorter, and what a throttle makes of them. */
static const double times_us[] = { 6e6, 1.4e6, 0.6e6, 0.25e6, 0.1e6, 0.03e6 };

static void
parse (Workload *workload, const char *terms)
{
    g_autoptr (GError) error = NULL;

    g_assert_true (workload_parse (workload, "it", terms, MEMORY, &error));
    g_assert_no_error (error);
}

static GArray *
looks_at (const char *terms)
{
    GArray *looks = g_array_new (FALSE, FALSE, sizeof (Look));
    g_auto (Workload) workload = { 0 };

    parse (&workload, terms);
    for (guint i = 0; i < G_N_ELEMENTS (times_us); i++) {
        Look look = { times_us[i], workload_curve (&workload, times_us[i]), 1 };

        g_array_append_val (looks, look);
    }
    return looks;
}

/* By what share what is found for these looks is off the guest that they were taken of. */
static double
off (GArray *looks, const char *guest)
{
    g_auto (Workload) is = { 0 }, found = { 0 };
    double written, worst = 0;
    g_autofree char *terms = look_fit (looks, MEMORY, "", &written);

    g_test_message ("%s: %s", guest, terms);
    parse (&is, guest);
    parse (&found, terms);
    for (guint i = 0; i < G_N_ELEMENTS (times_us); i++)
        worst = MAX (
            worst,
            fabs (workload_curve (&found, times_us[i]) / workload_curve (&is, times_us[i]) - 1));
    return worst;
}

static const char *const guests[] = {
    "hot:64MiB@100MiB/s",
    "sweep:64MiB@60MiB/s",
    "hot:20MiB@90MiB/s+hot:180MiB@10MiB/s",
    "hot:400MiB@100MiB/s",
};

static void
test_found (void)
{
    for (guint i = 0; i < G_N_ELEMENTS (guests); i++) {
        g_autoptr (GArray) looks = looks_at (guests[i]);

        g_assert_cmpfloat (off (looks, guests[i]), <, CLOSE_BY);
    }
}

/* The check above sees a guest that is another. */
static void
test_another (void)
{
    g_autoptr (GArray) looks = looks_at (guests[0]);

    for (guint i = 1; i < G_N_ELEMENTS (guests); i++)
        g_assert_cmpfloat (off (looks, guests[i]), >, CLOSE_BY);
}

static void
test_simplest (void)
{
    g_autoptr (GArray) looks = looks_at (guests[1]);
    double written;
    g_autofree char *terms = look_fit (looks, MEMORY, ",delta=9B", &written);

    g_assert_true (g_str_has_prefix (terms, "sweep:"));
    g_assert_true (g_str_has_suffix (terms, ",delta=9B"));
    g_assert_null (strchr (terms, '+'));
    g_assert_cmpfloat (fabs (written / (64 << 20) - 1), <, CLOSE_BY);
}

/* Twice as much was found as there was, by a look that does not count, or does. */
static void
test_trust (void)
{
    static const double trusts[] = { 0.001, 1 };
    double errors[G_N_ELEMENTS (trusts)];

    for (guint i = 0; i < G_N_ELEMENTS (trusts); i++) {
        g_autoptr (GArray) looks = looks_at (guests[0]);
        Look *look = &g_array_index (looks, Look, 2);

        look->bytes *= 2;
        look->trust = trusts[i];
        errors[i] = off (looks, guests[0]);
    }
    g_assert_cmpfloat (errors[0], <, CLOSE_BY);
    g_assert_cmpfloat (errors[1], >, CLOSE_BY);
}

static void
test_memory (void)
{
    g_autoptr (GArray) looks = looks_at ("hot:500MiB@90MiB/s");
    double written;
    g_autofree char *terms = look_fit (looks, MEMORY / 4, "", &written);

    g_assert_cmpfloat (written, <=, (double)MEMORY / 4);
    g_assert_cmpfloat (written, >, (double)MEMORY / 5);
}

static void
test_none (void)
{
    g_autoptr (GArray) looks = g_array_new (FALSE, FALSE, sizeof (Look));
    double written = 1;
    g_autofree char *terms = look_fit (looks, MEMORY, "", &written);

    g_assert_cmpstr (terms, ==, "idle");
    g_assert_cmpfloat (written, ==, 0);
}

int
main (int argc, char **argv)
{
    g_test_init (&argc, &argv, NULL);
    check_add ("/look-fit/a-guest-is-found-that-would-look-so", test_found);
    check_add ("/look-fit/another-guest-looks-otherwise", test_another);
    check_add ("/look-fit/one-class-is-enough-where-it-is", test_simplest);
    check_add ("/look-fit/a-look-counts-as-far-as-it-is-trusted", test_trust);
    check_add ("/look-fit/no-more-is-written-than-there-is-room", test_memory);
    check_add ("/look-fit/who-was-never-looked-at-is-idle", test_none);
    return g_test_run ();
}
