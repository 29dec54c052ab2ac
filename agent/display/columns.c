/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "agent/display/columns.h"

#include "agent/display/text.h"

#define GAP 2

static int
width_of (const GPtrArray *rows, guint column)
{
    int width = 0;

    for (guint i = 0; i < rows->len; i++)
        width = MAX (width, text_width (((char **)g_ptr_array_index (rows, i))[column]));
    return width;
}

/* Behind the last cell of a row there is nothing. */
static void
add_row (const Style *style, GString *out, char **row, const int *widths, ColumnsInk ink)
{
    int missing = 0;

    for (guint j = 0; row[j]; j++) {
        if (row[j][0]) {
            text_spaces (out, missing);
            style_ink (style, out, ink ? ink (j, row[j]) : INK_PLAIN, row[j]);
            missing = 0;
        }
        missing += widths[j] - text_width (row[j]) + GAP;
    }
    g_string_append_c (out, '\n');
}

char *
columns_text (const Style *style, const GPtrArray *rows, ColumnsInk ink)
{
    GString *out = g_string_new (NULL);
    guint columns = rows->len ? g_strv_length (g_ptr_array_index (rows, 0)) : 0;
    g_autofree int *widths = g_new0 (int, columns + 1);

    for (guint j = 0; j < columns; j++)
        widths[j] = width_of (rows, j);
    for (guint i = 0; i < rows->len; i++)
        add_row (style, out, g_ptr_array_index (rows, i), widths, ink);
    return g_string_free (out, FALSE);
}
