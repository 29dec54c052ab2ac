/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "agent/display/bar.h"

#define EIGHTHS 8

static void
append_times (GString *out, const char *text, int times)
{
    while (times-- > 0)
        g_string_append (out, text);
}

static char *
bar_utf8 (double progress, int cells)
{
    static const char *const part[EIGHTHS] = { "", "▏", "▎", "▍", "▌", "▋", "▊", "▉" };
    int eighths = (int)(progress * cells * EIGHTHS);
    int full = eighths / EIGHTHS;
    GString *out = g_string_new ("▕");

    append_times (out, "█", full);
    g_string_append (out, part[eighths % EIGHTHS]);
    append_times (out, " ", cells - full - (eighths % EIGHTHS ? 1 : 0));
    g_string_append (out, "▏");
    return g_string_free (out, FALSE);
}

static char *
bar_ascii (double progress, int cells)
{
    int full = (int)(progress * cells);
    GString *out = g_string_new ("[");

    append_times (out, "#", full);
    append_times (out, ".", cells - full);
    g_string_append_c (out, ']');
    return g_string_free (out, FALSE);
}

char *
bar_text (const Style *style, double progress, int width)
{
    double within = CLAMP (progress, 0, 1);

    return style->utf8 ? bar_utf8 (within, width - 2) : bar_ascii (within, width - 2);
}
