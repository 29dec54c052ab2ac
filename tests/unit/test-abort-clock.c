/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "agent/migration/abort-clock.h"
#include "tests/unit/check.h"

#define S   ((guint64)G_TIME_SPAN_SECOND)
#define GIB ((guint64)1 << 30)

static void
test_nova (void)
{
    AbortClock clock;

    g_assert_true (abort_clock_parse ("nova", &clock, NULL));
    g_assert_cmpuint (abort_clock_left_us (&clock, GIB / 2, 5, 100 * S), ==, 1500 * S);
    g_assert_cmpuint (abort_clock_left_us (&clock, 8 * GIB + 1, 5, 0), ==, 7200 * S);
    g_assert_true (abort_clock_parse ("nova:15s", &clock, NULL));
    g_assert_cmpuint (abort_clock_left_us (&clock, 4 * GIB, 5, 61 * S), ==, 0);
}

/* Never later than VDSM could: its eighth pass, one a look. */
static void
test_vdsm (void)
{
    AbortClock clock;

    g_assert_true (abort_clock_parse ("vdsm:8", &clock, NULL));
    g_assert_cmpuint (abort_clock_left_us (&clock, GIB, 1, 0), ==, 80 * S);
    g_assert_cmpuint (abort_clock_left_us (&clock, GIB, 100, 50 * S), ==, 40 * S);
    g_assert_cmpuint (abort_clock_left_us (&clock, GIB, 100, 55 * S), ==, 35 * S);
    g_assert_cmpuint (abort_clock_left_us (&clock, GIB, 3, 90 * S), ==, 180 * S);
    g_assert_cmpuint (abort_clock_left_us (&clock, GIB, 100, 200 * S), ==, 0);
}

static void
test_words (void)
{
    static const char *const wrong[] = { "", "vdsm:0", "vdsm:x", "nova:5", "kubevirt", "none:1" };
    AbortClock clock;

    for (guint i = 0; i < G_N_ELEMENTS (wrong); i++)
        g_assert_false (abort_clock_parse (wrong[i], &clock, NULL));
    g_assert_true (abort_clock_parse ("none", &clock, NULL));
    g_assert_cmpuint (abort_clock_left_us (&clock, GIB, 9, 9 * S), ==, G_MAXUINT64);
}

int
main (int argc, char **argv)
{
    g_test_init (&argc, &argv, NULL);
    check_add ("/abort-clock/nova-counts-seconds-a-gib-two-at-least", test_nova);
    check_add ("/abort-clock/vdsm-counts-passes-one-a-look", test_vdsm);
    check_add ("/abort-clock/what-is-no-clock-is-refused", test_words);
    return g_test_run ();
}
