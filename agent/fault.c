/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "agent/fault.h"

#ifdef QMPMIG_FAULT_POINTS
#include <glib.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* How often a name was passed is counted in the list file itself: one line a passing. */
static guint
count_and_append (const char *path, const char *name)
{
    g_autofree char *text = NULL;
    g_autofree char *line = g_strdup_printf ("%s\n", name);
    guint count = 1;
    FILE *file;

    if (g_file_get_contents (path, &text, NULL, NULL)) {
        g_auto (GStrv) lines = g_strsplit (text, "\n", -1);
        for (guint i = 0; lines[i]; i++)
            count += g_str_equal (lines[i], name);
    }
    file = fopen (path, "ae");
    if (file) {
        fputs (line, file);
        fclose (file);
    }
    return count;
}

void
fault_point (const char *format, ...)
{
    const char *list = g_getenv ("QMPMIG_FAULT_LIST");
    const char *kill_at = g_getenv ("QMPMIG_FAULT_KILL");
    const char *stop_at = g_getenv ("QMPMIG_FAULT_STOP");
    g_autofree char *name = NULL;
    g_autofree char *here = NULL;
    va_list args;

    if (!list)
        return;
    va_start (args, format);
    name = g_strdup_vprintf (format, args);
    va_end (args);
    here = g_strdup_printf ("%s#%u", name, count_and_append (list, name));
    if (kill_at && g_str_equal (kill_at, here))
        raise (SIGKILL);
    if (stop_at && g_str_equal (stop_at, here))
        raise (SIGSTOP);
}
#else
typedef int fault_is_compiled_out; /* ISO C wants a declaration in every file */
#endif
