/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "agent/commands/helper.h"

#include <errno.h>
#include <string.h>
#include <unistd.h>

/* Installed, helpers/ beside the program could be anybody's: /usr/local/bin/helpers. */
static char *
helper_path (const char *name)
{
    g_autofree char *program = g_file_read_link ("/proc/self/exe", NULL);
    g_autofree char *dir = program ? g_path_get_dirname (program) : NULL;
    g_autofree char *built = dir ? g_build_filename (dir, "helpers", name, NULL) : NULL;

    if (built && strcmp (dir, QMPMIG_BINDIR) != 0 && g_file_test (built, G_FILE_TEST_IS_REGULAR))
        return g_steal_pointer (&built);
    return g_build_filename (QMPMIG_HELPERDIR, name, NULL);
}

void
helper_become (const char *name, char *const *arguments, GError **error)
{
    g_autofree char *path = helper_path (name);
    g_autoptr (GPtrArray) words = g_ptr_array_new ();
    int number;

    g_ptr_array_add (words, path);
    for (guint i = 0; arguments[i]; i++)
        g_ptr_array_add (words, arguments[i]);
    g_ptr_array_add (words, NULL);
    execv (path, (char *const *)words->pdata);
    number = errno;
    g_set_error (error, G_FILE_ERROR, g_file_error_from_errno (number),
                 number == ENOENT ? "%s: %s; the package that qmpmig %s comes with is not installed"
                                  : "%s: %s",
                 path, g_strerror (number), name);
}
