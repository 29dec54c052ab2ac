/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Runs each file of a corpus directory through a fuzz target: a regression test that needs no
 * fuzzer. A file is fed as it is and, because the first byte only says how it is cut, in other
 * cuts. */
#include "tests/fuzz/target.h"

#include <string.h>
#include <unistd.h>

#define SECONDS 60

static void
run_file (const char *path)
{
    static const guint8 cuts[] = { 0, 1, 2, 6, 15, 62 };
    g_autoptr (GError) error = NULL;
    g_autofree char *bytes = NULL;
    gsize length;

    g_file_get_contents (path, &bytes, &length, &error);
    g_assert_no_error (error);
    LLVMFuzzerTestOneInput ((const guint8 *)bytes, length);
    for (gsize i = 0; i < sizeof cuts && length > 0; i++) {
        bytes[0] = (char)cuts[i];
        LLVMFuzzerTestOneInput ((const guint8 *)bytes, length);
    }
}

int
main (int argc, char **argv)
{
    g_autoptr (GError) error = NULL;
    g_autoptr (GDir) corpus = NULL;
    const char *name;
    guint count = 0;

    g_assert_cmpint (argc, ==, 2);
    corpus = g_dir_open (argv[1], 0, &error);
    g_assert_no_error (error);
    alarm (SECONDS);
    for (; (name = g_dir_read_name (corpus)); count++) {
        g_autofree char *path = g_build_filename (argv[1], name, NULL);

        g_print ("%s\n", name);
        run_file (path);
    }
    g_assert_cmpuint (count, >, 0);
    return 0;
}
