/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "qmp/text.h"

#include <string.h>

#define EXCERPT_MAX 60

char *
qmp_text_duration (gint64 duration_us)
{
    gint64 ms = MAX (duration_us, 0) / 1000;

    if (ms < 1000)
        return g_strdup_printf ("%" G_GINT64_FORMAT " ms", ms);
    if (ms % 1000 < 100)
        return g_strdup_printf ("%" G_GINT64_FORMAT " s", ms / 1000);
    return g_strdup_printf ("%" G_GINT64_FORMAT ".%d s", ms / 1000, (int)(ms % 1000 / 100));
}

char *
qmp_text_excerpt (const char *bytes, gsize length)
{
    GString *text = g_string_new (NULL);

    for (gsize i = 0; i < length && !strchr ("\r\n", bytes[i]); i++) {
        if (i == EXCERPT_MAX) {
            g_string_append (text, "...");
            break;
        }
        if (g_ascii_isprint (bytes[i]))
            g_string_append_c (text, bytes[i]);
        else
            g_string_append_printf (text, "\\x%02x", (guchar)bytes[i]);
    }
    return g_string_free (text, FALSE);
}
