/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "agent/display/live.h"

#include "agent/display/bar.h"
#include "agent/display/gauge.h"
#include "agent/display/text.h"
#include "agent/units.h"
#include "qmp/value.h"

#define BAR_MIN           7
#define BAR_MAX           32
#define WORD_MAX          24
#define NAME_FROM_COLUMNS 100 /* narrower, the heading's name must do */
#define SEPARATOR         2

/* What is cut first has the highest rank; the gauges' own follow these. */
enum { RANK_PHASE, RANK_PERCENT, RANK_NOTE, RANK_BAR, RANK_NAME = RANK_BAR, RANK_END = 16 };

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
    const char *label = gauge->label ? gauge->label : "";
    int missing = MAX (gauge->width - text_width (gauge->value), 0);

    add_cell (cells, g_strdup_printf ("%s%s%s", label, *label ? " " : "", gauge->value),
              gauge->rank, gauge->ink);
    g_array_index (cells, Cell, cells->len - 1).width += missing;
}

/* Rounded down: 100 % is said when all is there. */
static int
percent_of (double progress)
{
    return (int)(progress * 100 + 1e-9);
}

static GArray *
cells_of (const Style *style, json_object *sample, const char *name, double progress, int columns)
{
    GArray *cells = g_array_new (FALSE, FALSE, sizeof (Cell));
    g_autoptr (GPtrArray) gauges = gauges_of (sample);
    g_autofree char *phase = gauge_phase_word (style, sample);
    const char *note = gauge_phase_note (sample);

    g_array_set_clear_func (cells, cell_clear);
    if (columns >= NAME_FROM_COLUMNS)
        add_cell (cells, text_cut (style, name, WORD_MAX), RANK_NAME, INK_PLAIN);
    add_cell (cells, text_cut (style, phase, MIN (columns, WORD_MAX)), RANK_PHASE, INK_BOLD);
    if (progress >= 0) {
        /* of one width while the gauges come and go, else it would seem to jump */
        int width = CLAMP ((columns - 10) / 7, BAR_MIN, BAR_MAX);

        add_cell (cells, bar_text (style, progress, width), RANK_BAR, INK_GOOD);
        add_cell (cells, g_strdup_printf ("%3d%%", percent_of (progress)), RANK_PERCENT, INK_PLAIN);
    }
    if (note)
        add_cell (cells, g_strdup (note), RANK_NOTE, INK_CAUTION);
    for (guint i = 0; i < gauges->len; i++)
        add_gauge (cells, gauges->pdata[i]);
    return cells;
}

/* Shows by rank until one does not fit. */
static void
choose_cells (GArray *cells, int columns)
{
    int left = columns + SEPARATOR;

    for (int rank = 0; rank < RANK_END; rank++) {
        for (guint i = 0; i < cells->len; i++) {
            Cell *cell = &g_array_index (cells, Cell, i);

            if (cell->rank != rank)
                continue;
            left -= cell->width + SEPARATOR;
            if (left < 0)
                return;
            cell->shown = TRUE;
        }
    }
}

char *
live_text (const Style *style, json_object *sample, const char *name, double progress, int columns)
{
    g_autoptr (GArray) cells = cells_of (style, sample, name, progress, columns - 1);
    GString *out = g_string_new (NULL);
    int gap = 0;

    choose_cells (cells, columns - 1);
    for (guint i = 0; i < cells->len; i++) {
        const Cell *cell = &g_array_index (cells, Cell, i);

        if (!cell->shown)
            continue;
        text_spaces (out, gap);
        style_ink (style, out, cell->ink, cell->text);
        gap = cell->width - text_width (cell->text) + SEPARATOR;
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
        g_string_append_printf (out, " %d%%", percent_of (progress));
    if (note)
        g_string_append_printf (out, ", %s", note);
    for (guint i = 0; i < gauges->len; i++) {
        const Gauge *gauge = gauges->pdata[i];

        g_string_append_printf (out, ", %s%s%s", gauge->label ? gauge->label : "",
                                gauge->label ? " " : "", gauge->value);
    }
    return g_string_free (out, FALSE);
}
