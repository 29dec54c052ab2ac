/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "agent/display/live.h"

#include "agent/display/bar.h"
#include "agent/display/gauge.h"
#include "agent/display/text.h"
#include "agent/units.h"
#include "qmp/value.h"

#define BAR_MIN          8
#define BAR_MAX          34
#define NAME_MAX_COLUMNS 24
#define SEPARATOR        2

/* What is cut first has the highest rank; the gauges' own lie between these. */
enum { RANK_PHASE, RANK_PERCENT, RANK_NOTE, RANK_BAR, RANK_NAME = 13, RANK_END };

typedef struct {
    char *text;
    int width; /* columns set aside, at least those of the text */
    int rank;
    Ink ink;
    gboolean shown;
} Cell;

static void
cell_clear (gpointer data)
{
    g_free (((Cell *)data)->text);
}

static void
add_cell (GArray *cells, char *text, int rank, Ink ink)
{
    Cell cell = { .text = text, .width = text_width (text), .rank = rank, .ink = ink };

    g_array_append_val (cells, cell);
}

static void
add_gauge (GArray *cells, const Gauge *gauge)
{
    g_autofree char *value = g_strdup (gauge->value);
    int padding = MAX (gauge->width - text_width (value), 0);

    add_cell (cells,
              gauge->label ? g_strdup_printf ("%s %*s%s", gauge->label, padding, "", value)
                           : g_steal_pointer (&value),
              gauge->rank, gauge->ink);
}

static GArray *
cells_of (const Style *style, json_object *sample, const char *name, double progress, int columns)
{
    GArray *cells = g_array_new (FALSE, FALSE, sizeof (Cell));
    g_autoptr (GPtrArray) gauges = gauges_of (sample);
    g_autofree char *phase = gauge_phase_word (style, sample);
    const char *note = gauge_phase_note (sample);

    g_array_set_clear_func (cells, cell_clear);
    add_cell (cells, text_cut (style, name, NAME_MAX_COLUMNS), RANK_NAME, INK_PLAIN);
    add_cell (cells, text_cut (style, phase, MIN (columns, NAME_MAX_COLUMNS)), RANK_PHASE,
              INK_BOLD);
    if (progress >= 0) {
        add_cell (cells, bar_text (style, progress, BAR_MIN), RANK_BAR, INK_GOOD);
        add_cell (cells, g_strdup_printf ("%3d%%", (int)(progress * 100)), RANK_PERCENT, INK_PLAIN);
    }
    if (note)
        add_cell (cells, g_strdup (note), RANK_NOTE, INK_CAUTION);
    for (guint i = 0; i < gauges->len; i++)
        add_gauge (cells, gauges->pdata[i]);
    return cells;
}

/* Shows by rank until one does not fit. Returns the columns that are left over. */
static int
choose_cells (GArray *cells, int columns)
{
    int left = columns + SEPARATOR;

    for (int rank = 0; rank < RANK_END; rank++) {
        for (guint i = 0; i < cells->len; i++) {
            Cell *cell = &g_array_index (cells, Cell, i);

            if (cell->rank != rank)
                continue;
            if (cell->width + SEPARATOR > left)
                return left;
            cell->shown = TRUE;
            left -= cell->width + SEPARATOR;
        }
    }
    return left;
}

static void
widen_bar (const Style *style, GArray *cells, double progress, int left)
{
    for (guint i = 0; i < cells->len; i++) {
        Cell *cell = &g_array_index (cells, Cell, i);

        if (cell->rank != RANK_BAR || !cell->shown)
            continue;
        g_free (cell->text);
        cell->text = bar_text (style, progress, MIN (BAR_MIN + left, BAR_MAX));
    }
}

char *
live_text (const Style *style, json_object *sample, const char *name, double progress, int columns)
{
    g_autoptr (GArray) cells = cells_of (style, sample, name, progress, columns - 1);
    GString *out = g_string_new (NULL);
    int left = choose_cells (cells, columns - 1);

    widen_bar (style, cells, progress, left);
    for (guint i = 0; i < cells->len; i++) {
        Cell *cell = &g_array_index (cells, Cell, i);

        if (!cell->shown)
            continue;
        if (out->len)
            text_spaces (out, SEPARATOR);
        style_ink (style, out, cell->ink, cell->text);
    }
    return g_string_free (out, FALSE);
}

char *
live_plain_text (const Style *style, json_object *sample, const char *name, double progress)
{
    g_autoptr (GPtrArray) gauges = gauges_of (sample);
    g_autofree char *time = units_format_time (qmp_peek_uint (sample, "t_us", 0));
    g_autofree char *phase = gauge_phase_word (style, sample);
    const char *note = gauge_phase_note (sample);
    GString *out = g_string_new (NULL);

    g_string_printf (out, "%s: %s: %s", name, time, phase);
    if (progress >= 0)
        g_string_append_printf (out, " %d%%", (int)(progress * 100));
    if (note)
        g_string_append_printf (out, ", %s", note);
    for (guint i = 0; i < gauges->len; i++) {
        const Gauge *gauge = gauges->pdata[i];

        g_string_append_printf (out, ", %s%s%s", gauge->label ? gauge->label : "",
                                gauge->label ? " " : "", gauge->value);
    }
    return g_string_free (out, FALSE);
}
