/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "agent/commands/history-table.h"

#include <string.h>

#include "agent/display/columns.h"
#include "agent/display/text.h"
#include "agent/units.h"
#include "qmp/value.h"

#define OUTCOME_COLUMN   5
#define PREDICTED_COLUMN 7

/* People live by their own clock. */
static char *
when (json_object *line)
{
    const char *began = qmp_peek_string (line, "began", "");
    g_autoptr (GDateTime) utc = g_date_time_new_from_iso8601 (began, NULL);
    g_autoptr (GDateTime) here = utc ? g_date_time_to_local (utc) : NULL;

    return here ? g_date_time_format (here, "%Y-%m-%d %H:%M:%S") : g_strdup ("-");
}

static char *
word (const Style *style, json_object *line, const char *path)
{
    char *text = text_peek (style, line, path);

    return text ? text : g_strdup ("-");
}

/* Most monitors are unix sockets. */
static char *
address (const Style *style, json_object *line, const char *path)
{
    g_autofree char *text = word (style, line, path);

    return g_strdup (g_str_has_prefix (text, "unix:/") ? text + strlen ("unix:") : text);
}

/* A policy may be told by its name alone. */
static char *
policy (const Style *style, json_object *line)
{
    return word (style, line,
                 json_object_is_type (qmp_peek (line, "policy"), json_type_object) ? "policy.name"
                                                                                   : "policy");
}

static char *
duration (json_object *line, const char *path)
{
    guint64 us = qmp_peek_uint (line, path, G_MAXUINT64);

    return us == G_MAXUINT64 ? g_strdup ("-") : units_format_time (us);
}

static char *
trace (const Style *style, json_object *line)
{
    g_autofree char *name = g_path_get_basename (qmp_peek_string (line, "trace", "-"));

    return text_clean (name, style->utf8);
}

static GStrv
row_of (const Style *style, json_object *line, gboolean with_predicted)
{
    GStrvBuilder *row = g_strv_builder_new ();
    GStrv strv;
    char *cells[] = { when (line),
                      word (style, line, "vm.name"),
                      address (style, line, "from"),
                      address (style, line, "to"),
                      policy (style, line),
                      word (style, line, "outcome"),
                      duration (line, "total_us"),
                      duration (line, "predicted.total_us"),
                      duration (line, "blackout_us"),
                      duration (line, "work_lost_us"),
                      trace (style, line) };

    for (guint i = 0; i < G_N_ELEMENTS (cells); i++) {
        if (i != PREDICTED_COLUMN || with_predicted)
            g_strv_builder_add (row, cells[i]);
        g_free (cells[i]);
    }
    strv = g_strv_builder_end (row);
    g_strv_builder_unref (row);
    return strv;
}

static Ink
ink (guint column, const char *cell)
{
    static const char *const good[] = { "completed", "handed-over", NULL };
    static const char *const calm[] = { "OUTCOME", "running", "planned", NULL };
    static const char *const caution[] = { "cancelled", "left", "postcopy-paused", NULL };

    if (column != OUTCOME_COLUMN || g_strv_contains (calm, cell))
        return INK_PLAIN;
    if (g_strv_contains (good, cell))
        return INK_GOOD;
    return g_strv_contains (caution, cell) ? INK_CAUTION : INK_BAD;
}

static gboolean
has_predicted (const GPtrArray *lines)
{
    for (guint i = 0; i < lines->len; i++)
        if (qmp_peek (g_ptr_array_index (lines, i), "predicted"))
            return TRUE;
    return FALSE;
}

static GStrv
titles (gboolean with_predicted)
{
    static const char *const all[] = { "BEGAN",    "VM",      "FROM",  "TO",
                                       "POLICY",   "OUTCOME", "TOTAL", "PREDICTED",
                                       "BLACKOUT", "LOST",    "TRACE" };
    GStrv row = g_new0 (char *, G_N_ELEMENTS (all) + 1);
    guint n = 0;

    for (guint i = 0; i < G_N_ELEMENTS (all); i++)
        if (i != PREDICTED_COLUMN || with_predicted)
            row[n++] = g_strdup (all[i]);
    return row;
}

char *
history_table (const Style *style, const GPtrArray *lines)
{
    g_autoptr (GPtrArray) rows = g_ptr_array_new_with_free_func ((GDestroyNotify)g_strfreev);
    gboolean with_predicted = has_predicted (lines);

    g_ptr_array_add (rows, titles (with_predicted));
    for (guint i = 0; i < lines->len; i++)
        g_ptr_array_add (rows, row_of (style, g_ptr_array_index (lines, i), with_predicted));
    return columns_text (style, rows, ink);
}
