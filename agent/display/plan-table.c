/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "agent/display/plan-table.h"

#include <string.h>

#include "agent/display/heading.h"
#include "agent/display/text.h"
#include "qmp/value.h"

enum { COLUMN_NAME, COLUMN_VALUE, COLUMN_WAS, COLUMN_REASON, COLUMNS };
#define CELL_MAX 36 /* a longer one may push its own row, not the whole table */

/* Every capability that we know is in the plan: most are off, were off, and are in one line. */
static gboolean
stays_off (json_object *entry)
{
    return !qmp_peek_bool (entry, "value", TRUE) && !qmp_peek_bool (entry, "before", TRUE);
}

static void
row_free (gpointer row)
{
    g_strfreev (row);
}

static char **
table_row (const Style *style, json_object *entry)
{
    const char *name = qmp_peek_string (entry, "name", "");
    g_autofree char *before = text_parameter (style, name, qmp_peek (entry, "before"));
    char **row = g_new0 (char *, COLUMNS + 1);

    row[COLUMN_NAME] = text_clean (name, style->utf8);
    row[COLUMN_VALUE] = text_parameter (style, name, qmp_peek (entry, "value"));
    if (!row[COLUMN_VALUE])
        row[COLUMN_VALUE] = g_strdup ("?");
    row[COLUMN_WAS] = g_strdup (before && strcmp (before, row[COLUMN_VALUE]) != 0 ? before : "");
    row[COLUMN_REASON] = text_clean (qmp_peek_string (entry, "reason", ""), style->utf8);
    return row;
}

/* The entries of one end that OFF holds for, or not. Borrowed from LIST. */
static GPtrArray *
entries_of (json_object *list, const char *end, gboolean off)
{
    GPtrArray *entries = g_ptr_array_new ();

    for (gsize i = 0; i < qmp_length (list); i++) {
        json_object *entry = json_object_array_get_idx (list, i);

        if (!strcmp (qmp_peek_string (entry, "end", ""), end) && stays_off (entry) == off)
            g_ptr_array_add (entries, entry);
    }
    return entries;
}

/* Under a line of titles. */
static GPtrArray *
table_rows (const Style *style, GPtrArray *entries, const char *title)
{
    GPtrArray *rows = g_ptr_array_new_with_free_func (row_free);
    const char *titles[] = { title, "value", "was", "why", NULL };

    g_ptr_array_add (rows, g_strdupv ((char **)titles));
    for (guint i = 0; i < entries->len; i++)
        g_ptr_array_add (rows, table_row (style, entries->pdata[i]));
    return rows;
}

static int
column_width (GPtrArray *rows, int column)
{
    int width = 0;

    for (guint i = 0; i < rows->len; i++)
        width = MAX (width, text_width (((char **)rows->pdata[i])[column]));
    return MIN (width, CELL_MAX);
}

static void
append_table (const Style *style, GString *out, GPtrArray *rows)
{
    int widths[COLUMN_REASON];
    int indent = 2;

    for (int column = 0; column < COLUMN_REASON; column++) {
        widths[column] = column_width (rows, column);
        indent += widths[column] + 2;
    }
    for (guint i = 0; i < rows->len; i++) {
        char **row = rows->pdata[i];
        Ink ink = i ? INK_PLAIN : INK_BOLD;
        g_autoptr (GString) line = g_string_new ("  ");

        for (int column = 0; column < COLUMN_REASON; column++) {
            style_ink (style, line, ink, row[column]);
            text_spaces (line, widths[column] - text_width (row[column]) + 2);
        }
        text_fold (style, line, indent, indent, row[COLUMN_REASON]);
        g_string_append_printf (out, "%s\n", g_strchomp (line->str));
    }
}

static void
append_stays_off (const Style *style, GString *out, GPtrArray *entries)
{
    static const char head[] = "  stays off: ";
    int indent = (int)strlen (head);
    g_autoptr (GString) words = g_string_new (NULL);

    for (guint i = 0; i < entries->len; i++) {
        g_autofree char *name = text_peek (style, entries->pdata[i], "name");

        g_string_append_printf (words, "%s%s", i ? ", " : "", name ? name : "?");
    }
    if (!words->len)
        return;
    g_string_append (out, head);
    text_fold (style, out, indent, indent, words->str);
    g_string_append_c (out, '\n');
}

static void
append_section (const Style *style, GString *out, json_object *list, const char *end,
                const char *title)
{
    g_autoptr (GPtrArray) set = entries_of (list, end, FALSE);
    g_autoptr (GPtrArray) off = entries_of (list, end, TRUE);
    g_autoptr (GPtrArray) rows = table_rows (style, set, title);

    if (set->len)
        append_table (style, out, rows);
    append_stays_off (style, out, off);
}

void
plan_table (const Style *style, GString *out, json_object *header, json_object *plan)
{
    static const char *const ends[] = { "source", "destination" };

    for (guint i = 0; i < G_N_ELEMENTS (ends); i++) {
        g_autofree char *facts = heading_end_text (style, header, ends[i]);

        g_string_append_printf (out, "\n%s: %s\n", ends[i], facts);
        append_section (style, out, qmp_peek (plan, "capabilities"), ends[i], "capability");
        append_section (style, out, qmp_peek (plan, "parameters"), ends[i], "parameter");
    }
    g_string_append_c (out, '\n');
}
