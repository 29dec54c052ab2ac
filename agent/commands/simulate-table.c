/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "agent/commands/simulate-table.h"

#include "agent/display/columns.h"
#include "agent/display/text.h"
#include "agent/units.h"
#include "qmp/value.h"

enum { POLICY, OUTCOME, TOTAL, BLACKOUT, STALL, LOST, SENT, REASON, COLUMNS };

static const char *const titles[COLUMNS + 1] = { "POLICY",   "OUTCOME",       "TOTAL",
                                                 "BLACKOUT", "LONGEST STALL", "WORK LOST",
                                                 "SENT",     "WHY",           NULL };

static char *
cell (json_object *line, const char *path, char *(*format) (guint64))
{
    guint64 value = qmp_peek_uint (line, path, G_MAXUINT64);

    return value == G_MAXUINT64 ? g_strdup ("-") : format (value);
}

static char *
word (const Style *style, json_object *line, const char *path)
{
    char *text = text_peek (style, line, path);

    return text ? text : g_strdup ("-");
}

/* Of a recorded one: what is told of it. */
static char *
policy (const Style *style, json_object *line)
{
    const char *what = qmp_peek_string (line, "what", "policy");
    g_autofree char *name = word (style, line, "policy");

    if (g_str_equal (what, "actual"))
        return g_strdup_printf ("%s, as it was", name);
    if (g_str_equal (what, "replay"))
        return g_strdup_printf ("%s, replayed", name);
    return g_steal_pointer (&name);
}

static char **
row_new (const Style *style, json_object *line)
{
    char **row = g_new0 (char *, COLUMNS + 1);
    gboolean postcopy = qmp_peek_bool (line, "postcopy", FALSE);

    row[POLICY] = policy (style, line);
    row[OUTCOME] = postcopy ? g_strdup ("completed by postcopy") : word (style, line, "outcome");
    row[TOTAL] = cell (line, "total_us", units_format_time);
    row[BLACKOUT] = cell (line, "blackout_us", units_format_time);
    row[STALL] = cell (line, "longest_stall_us", units_format_time);
    row[LOST] = cell (line, "work_lost_us", units_format_time);
    row[SENT] = cell (line, "sent_bytes", units_format_size);
    row[REASON] = word (style, line, "reason");
    return row;
}

static Ink
ink (guint column, const char *cell)
{
    if (column != OUTCOME)
        return INK_PLAIN;
    return g_str_has_prefix (cell, "completed") ? INK_GOOD
           : g_str_equal (cell, "OUTCOME")      ? INK_PLAIN
                                                : INK_BAD;
}

char *
simulate_table (const Style *style, const GPtrArray *lines)
{
    g_autoptr (GPtrArray) rows = g_ptr_array_new_with_free_func ((GDestroyNotify)g_strfreev);

    g_ptr_array_add (rows, g_strdupv ((char **)titles));
    for (guint i = 0; i < lines->len; i++)
        g_ptr_array_add (rows, row_new (style, g_ptr_array_index (lines, i)));
    return columns_text (style, rows, ink);
}
