/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "tests/unit/check.h"

#include <unistd.h>

static guint
count_descriptors (void)
{
    g_autoptr (GDir) dir = g_dir_open ("/proc/self/fd", 0, NULL);
    guint count = 0;

    g_assert_nonnull (dir);
    while (g_dir_read_name (dir))
        count++;
    return count;
}

/* A resolver's thread that was left behind may have one open for a moment. */
static guint
count_down_to (guint expected)
{
    guint count = count_descriptors ();

    for (guint turn = 0; count > expected && turn < 200; turn++) {
        g_usleep (5000);
        count = count_descriptors ();
    }
    return count;
}

static void
run (gconstpointer data)
{
    const CheckFunc *func = data;
    guint before = count_descriptors ();

    alarm (CHECK_SECONDS);
    (*func) ();
    alarm (0);
    g_assert_cmpuint (count_down_to (before), ==, before);
}

void
check_add (const char *name, CheckFunc func)
{
    g_test_add_data_func_full (name, g_memdup2 (&func, sizeof func), run, g_free);
}

void
check_words (const char *text, const char *pattern)
{
    if (!g_pattern_match_simple (pattern, text))
        g_error ("\"%s\" is not like \"%s\"", text, pattern);
}
