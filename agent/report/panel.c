/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include <math.h>
#include <string.h>

#include "agent/report/chart.h"

#define TITLE 26.0
#define BELOW 14.0

typedef struct {
    Series series;
    const char *name;
    Paint paint;
    Dash dash;
    double stroke;
    gboolean stepped, filled;
} Line;

typedef struct {
    const char *title;
    Unit unit;
    gboolean is_log;
    const char *nothing; /* instead of lines that are all 0; NULL: 0 is a value */
    Line lines[3];       /* end with one without a name */
} Panel;

static const Panel panels_of_one[] = {
    { "Left to send, logarithmic",
      UNIT_SIZE,
      TRUE,
      NULL,
      { { SERIES_REMAINING, "left", PAINT_BLUE, DASH_NONE, 1.8, FALSE, TRUE } } },
    { "Rates",
      UNIT_RATE,
      FALSE,
      NULL,
      { { SERIES_RATE, "sent", PAINT_BLUE, DASH_NONE, 1.8, FALSE, FALSE },
        { SERIES_DIRTY, "dirtied", PAINT_RED, DASH_LONG, 1.8, TRUE, FALSE } } },
    { "Downtime, logarithmic",
      UNIT_TIME,
      TRUE,
      NULL,
      { { SERIES_IF_STOPPED, "if stopped now", PAINT_GREEN, DASH_NONE, 1.8, FALSE, FALSE },
        { SERIES_DOWNTIME_LIMIT, "limit", PAINT_RED, DASH_LONG, 1.8, TRUE, FALSE },
        { SERIES_MAX_DOWNTIME, "permitted", PAINT_SOFT, DASH_SHORT, 1.2, TRUE, FALSE } } },
    { "Throttle of the guest's CPUs",
      UNIT_PCT,
      FALSE,
      "never throttled",
      { { SERIES_THROTTLE, "throttle", PAINT_PURPLE, DASH_NONE, 1.8, TRUE, TRUE } } },
};

/* The colour tells whose it is, so that each panel has one kind of number. */
static const Panel panels_of_two[] = {
    { "Left to send, logarithmic",
      UNIT_SIZE,
      TRUE,
      NULL,
      { { .series = SERIES_REMAINING, .name = "left" } } },
    { "Sent per second", UNIT_RATE, FALSE, NULL, { { .series = SERIES_RATE, .name = "sent" } } },
    { "Dirtied per second",
      UNIT_RATE,
      FALSE,
      NULL,
      { { .series = SERIES_DIRTY, .name = "dirtied", .stepped = TRUE } } },
    { "Downtime if stopped now, logarithmic",
      UNIT_TIME,
      TRUE,
      NULL,
      { { .series = SERIES_IF_STOPPED, .name = "stopped" } } },
    { "Downtime limit, logarithmic",
      UNIT_TIME,
      TRUE,
      NULL,
      { { .series = SERIES_DOWNTIME_LIMIT, .name = "limit", .stepped = TRUE } } },
    { "Throttle of the guest's CPUs",
      UNIT_PCT,
      FALSE,
      "never throttled",
      { { .series = SERIES_THROTTLE, .name = "throttle", .stepped = TRUE } } },
};

/* --- how high -------------------------------------------------------------------------------- */

static double
highest_of (const Chart *self, const Panel *panel)
{
    double highest = -1;

    for (guint s = 0; s < 2 && self->stories[s]; s++)
        for (guint i = 0; i < self->stories[s]->samples->len; i++)
            for (const Line *line = panel->lines; line < panel->lines + 3 && line->name; line++) {
                const StorySample *sample =
                    &g_array_index (self->stories[s]->samples, StorySample, i);

                highest = fmax (highest, sample->values[line->series]);
            }
    return highest;
}

static Scale
scale_of (const Chart *self, const Panel *panel, double highest)
{
    Scale scale = { .unit = panel->unit, .is_log = panel->is_log };

    scale.to = self->y;
    scale.from = self->y + (self->narrow ? 100 : 116);
    scale.max = highest > 0 ? highest * 1.08 : 1;
    if (panel->unit == UNIT_PCT)
        scale.max = 100;
    if (!panel->is_log)
        return scale;
    scale.min = panel->unit == UNIT_TIME ? 1000 : fmax (highest / 20000, 1024);
    scale.max = fmax (highest * 1.3, scale.min * 100);
    return scale;
}

/* --- ground ---------------------------------------------------------------------------------- */

static void
draw_spans (Chart *self, const GArray *spans, const Scale *y, Paint paint, double opacity)
{
    for (guint i = 0; i < spans->len; i++) {
        const StorySpan *span = &g_array_index (spans, StorySpan, i);
        double from = scale_at (&self->time, (double)span->from_us);
        double to = scale_at (&self->time, (double)span->to_us);

        scene_rect (self->scene, paint, (Point){ from, y->to }, MAX (to - from, 1.5),
                    y->from - y->to)
            ->opacity = opacity;
    }
}

static void
draw_ground (Chart *self, const Scale *y)
{
    g_autoptr (GArray) ticks = scale_ticks (y, 22);

    for (guint i = 0; i < ticks->len; i++) {
        double value = g_array_index (ticks, double, i);
        double at = scale_at (y, value);
        g_autofree char *text = scale_label (y, value);

        scene_segment (self->scene, PAINT_GRID, 1, (Point){ self->left, at },
                       (Point){ self->right, at });
        scene_text (self->scene, PAINT_SOFT, (Point){ self->left - 8, at + 4 }, self->size,
                    ANCHOR_END, text);
    }
    for (guint s = 0; s < 2 && self->stories[s]; s++) {
        draw_spans (self, self->stories[s]->postcopy, y, PAINT_PURPLE, 0.14);
        draw_spans (self, self->stories[s]->stopped, y, chart_paint (self, s, PAINT_TEXT), 0.22);
        chart_turns (self, s, y->to, y->from);
    }
}

/* --- lines ----------------------------------------------------------------------------------- */

static void
draw_area (Chart *self, Paint paint, const GArray *points, const Scale *y)
{
    GArray *area = g_array_new (FALSE, FALSE, sizeof (Point));
    Point first = { g_array_index (points, Point, 0).x, y->from };
    Point last = { g_array_index (points, Point, points->len - 1).x, y->from };

    g_array_append_val (area, first);
    g_array_append_vals (area, points->data, points->len);
    g_array_append_val (area, last);
    scene_area (self->scene, paint, 0.15, area);
}

static void
draw_line (Chart *self, const Story *story, const Line *line, const Scale *y, GArray *labels,
           char *name)
{
    g_autoptr (GPtrArray) parts = trail_points (story, line->series, line->stepped, &self->time, y);
    Label label = { name, line->paint, line->dash, 0 };

    for (guint i = 0; i < parts->len; i++) {
        GArray *points = g_ptr_array_index (parts, i);

        label.y = g_array_index (points, Point, points->len - 1).y;
        if (line->filled)
            draw_area (self, line->paint, points, y);
        if (points->len == 1)
            scene_disc (self->scene, line->paint, g_array_index (points, Point, 0), 2, 0);
        scene_line (self->scene, line->paint, line->stroke, line->dash, points);
    }
    if (parts->len)
        g_array_append_val (labels, label);
    else
        g_free (name);
}

static void
draw_lines (Chart *self, const Panel *panel, const Scale *y, GArray *labels)
{
    for (const Line *line = panel->lines; line < panel->lines + 3 && line->name; line++) {
        Line drawn = *line;

        if (!self->stories[1]) {
            draw_line (self, self->stories[0], line, y, labels, g_strdup (line->name));
            continue;
        }
        drawn.paint = chart_paint (self, 0, line->paint);
        drawn.stroke = 1.8;
        draw_line (self, self->stories[0], &drawn, y, labels, g_strdup ("A"));
        drawn.paint = chart_paint (self, 1, line->paint);
        drawn.dash = DASH_LONG;
        draw_line (self, self->stories[1], &drawn, y, labels, g_strdup ("B"));
    }
}

/* --- panels ---------------------------------------------------------------------------------- */

static void
draw_panel (Chart *self, const Panel *panel)
{
    double highest = highest_of (self, panel);
    const char *why = highest < 0 ? "not in this trace" : highest > 0 ? NULL : panel->nothing;
    g_autoptr (GArray) labels = labels_new ();
    const char *comma = strchr (panel->title, ',');
    g_autofree char *title = comma && self->narrow ? g_strndup (panel->title, comma - panel->title)
                                                   : g_strdup (panel->title);
    g_autofree char *text = why ? g_strdup_printf ("%s: %s", title, why) : g_strdup (title);
    Scale y;

    self->y += TITLE;
    scene_text (self->scene, PAINT_TEXT, (Point){ self->narrow ? 4 : self->left, self->y - 7 },
                self->size + 1, ANCHOR_START, text)
        ->bold = TRUE;
    if (why)
        return;
    y = scale_of (self, panel, highest);
    draw_ground (self, &y);
    draw_lines (self, panel, &y, labels);
    labels_draw (self, labels, &y);
    self->y = y.from + BELOW;
}

void
panels_draw (Chart *self)
{
    const Panel *panels = self->stories[1] ? panels_of_two : panels_of_one;
    guint count = self->stories[1] ? G_N_ELEMENTS (panels_of_two) : G_N_ELEMENTS (panels_of_one);

    for (guint i = 0; i < count; i++)
        draw_panel (self, &panels[i]);
}
