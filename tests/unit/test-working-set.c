/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* What looks in the middle of passes do to the working-set curve, by made-up numbers. */
#include "agent/steering/working-set.h"
#include "tests/unit/check.h"

#define MIB ((guint64)1024 * 1024)
#define MS  1000.0

static void
look (WorkingSet *set, double ms, double began_mib, double left_mib, double found_mib)
{
    working_set_add_within (set, ms * MS, began_mib * (double)MIB, left_mib * (double)MIB,
                            found_mib * (double)MIB);
}

/* 40 MiB in the second of the first pass. */
static WorkingSet
after_first_pass (void)
{
    WorkingSet set;

    working_set_init (&set);
    working_set_add (&set, 1000 * MS, 40 * MIB);
    return set;
}

/* A pause of a guest that writes 55 GB in 320 s made a curve of nothing. */
static void
test_a_look_that_finds_nothing_lowers_no_pass (void)
{
    WorkingSet set = after_first_pass ();
    struct qmpmig_curve curve;

    look (&set, 250, 40, 10, 0);
    look (&set, 250, 10, 4, 0);
    curve = working_set_curve (&set);
    g_assert_cmpuint (curve_points (&curve), ==, 2);
    g_assert_cmpuint (curve.bytes[0], >, 9 * MIB); /* the least that can be beside the pass */
    g_assert_cmpuint (curve.bytes[1], ==, 40 * MIB);
}

/* Where most is still to be sent the set is larger than it was believed to be: the share of it that
 * could be seen was less than nothing, and all such looks were dropped. */
static void
test_a_share_is_of_no_less_than_was_to_be_sent (void)
{
    WorkingSet set = after_first_pass ();
    struct qmpmig_curve curve;

    look (&set, 250, 90, 60, 3);  /* of a sixth of 90 MiB */
    look (&set, 250, 63, 10, 10); /* of five twelfths of 63 */
    curve = working_set_curve (&set);
    g_assert_cmpuint (curve_points (&curve), ==, 2);
    g_assert_cmpuint (curve.bytes[0], >, 21 * MIB);
    g_assert_cmpuint (curve.bytes[0], <, 23 * MIB);
}

/* One that sweeps writes as much to the clean part as to all. */
static void
test_a_look_is_scaled_to_no_more_than_was_sampled (void)
{
    WorkingSet set = after_first_pass ();
    struct qmpmig_curve curve;

    working_set_add (&set, 400 * MS, 20 * MIB);
    look (&set, 400, 40, 20, 18); /* of a quarter */
    look (&set, 400, 38, 20, 18);
    curve = working_set_curve (&set);
    g_assert_cmpuint (curve_points (&curve), ==, 2);
    g_assert_cmpuint (curve.bytes[0], ==, 20 * MIB);
    look (&set, 200, 20, 10, 18);
    curve = working_set_curve (&set);
    g_assert_cmpuint (curve_points (&curve), ==, 3);
    g_assert_cmpuint (curve.bytes[0], ==, 20 * MIB); /* nor in less time */
    g_assert_cmpuint (curve.bytes[1], ==, 20 * MIB);
}

/* More than that, in a part of the set: the guest is not what it was. */
static void
test_a_look_can_refute_what_was_sampled (void)
{
    WorkingSet set = after_first_pass ();
    struct qmpmig_curve curve;

    working_set_add (&set, 400 * MS, 16 * MIB);
    look (&set, 400, 40, 10, 26);
    look (&set, 400, 36, 10, 26);
    curve = working_set_curve (&set);
    g_assert_cmpuint (curve.bytes[0], >, 24 * MIB);
}

int
main (int argc, char **argv)
{
    g_test_init (&argc, &argv, NULL);
    check_add ("/working-set/a-look-that-finds-nothing-lowers-no-pass",
               test_a_look_that_finds_nothing_lowers_no_pass);
    check_add ("/working-set/a-share-is-of-no-less-than-was-to-be-sent",
               test_a_share_is_of_no_less_than_was_to_be_sent);
    check_add ("/working-set/a-look-is-scaled-to-no-more-than-was-sampled",
               test_a_look_is_scaled_to_no_more_than_was_sampled);
    check_add ("/working-set/a-look-can-refute-what-was-sampled",
               test_a_look_can_refute_what_was_sampled);
    return g_test_run ();
}
