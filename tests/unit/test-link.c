/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "agent/service/link.h"
#include "tests/unit/check.h"

static void
check (guint64 link, guint count, const guint64 *wanted, const guint64 *expected)
{
    guint64 shares[4];

    link_divide (link, wanted, count, shares);
    for (guint i = 0; i < count; i++)
        g_assert_cmpuint (shares[i], ==, expected[i]);
}

static void
test_divide (void)
{
    check (90, 3, (guint64[]){ 0, 0, 0 }, (guint64[]){ 30, 30, 30 });
    check (90, 3, (guint64[]){ 10, 0, 0 }, (guint64[]){ 10, 40, 40 });
    check (90, 3, (guint64[]){ 35, 10, 0 }, (guint64[]){ 35, 10, 45 });
    check (90, 2, (guint64[]){ 10, 20 }, (guint64[]){ 10, 20 });
    check (90, 1, (guint64[]){ 100 }, (guint64[]){ 90 });
    check (90, 0, NULL, NULL);
}

int
main (int argc, char **argv)
{
    g_test_init (&argc, &argv, NULL);
    check_add ("/link/each-gets-the-same-and-what-one-does-not-want-the-others-get", test_divide);
    return g_test_run ();
}
