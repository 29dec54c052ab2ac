/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include <string.h>

#include "agent/report/chart.h"
#include "agent/report/words.h"
#include "agent/units.h"
#include "qmp/value.h"

#define RADIUS   8.0
#define ROW      20.0
#define MAX_ROWS 3
#define BAR      14.0

static void
label (Chart *self, guint index, double y, const char *what)
{
    g_autofree char *text = g_strdup_printf ("%s%s%s", chart_letter (self, index),
                                             *chart_letter (self, index) ? " " : "", what);

    scene_text (self->scene, PAINT_SOFT, (Point){ self->left - 8, y + 4 }, self->size, ANCHOR_END,
                text);
}

/* --- decisions ------------------------------------------------------------------------------- */

/* One, or several that stand too close for a mark of their own. */
typedef struct {
    const StoryDecision *first, *last;
    double x;
    guint row;
    gboolean turns;
} Mark;

/* "4", "7–12" */
static char *
mark_text (const Mark *mark)
{
    if (mark->first == mark->last)
        return g_strdup_printf ("%u", mark->first->number);
    return g_strdup_printf ("%u\xe2\x80\x93%u", mark->first->number, mark->last->number);
}

static double
mark_width (const Mark *mark)
{
    g_autofree char *text = mark_text (mark);

    return MAX (2 * RADIUS, scene_text_width (text, 10) * 1.1 + 8);
}

static double
mark_end (const Mark *mark)
{
    return mark->x - RADIUS + mark_width (mark) + 2;
}

/* The first row that is free there; MAX_ROWS: none. */
static guint
free_row (const double *ends, double x)
{
    guint row = 0;

    while (row < MAX_ROWS && ends[row] > x - RADIUS)
        row++;
    return row;
}

static GArray *
marks_of (const Chart *self, const Story *story, guint *ret_rows)
{
    GArray *marks = g_array_new (FALSE, FALSE, sizeof (Mark));
    double ends[MAX_ROWS] = { 0 };

    *ret_rows = 1;
    for (guint i = 0; i < story->decisions->len; i++) {
        const StoryDecision *decision = g_ptr_array_index (story->decisions, i);
        Mark mark = { decision, decision, scale_at (&self->time, (double)decision->t_us), 0,
                      decision->turns };

        mark.row = free_row (ends, mark.x);
        if (mark.row < MAX_ROWS) {
            g_array_append_val (marks, mark);
        } else {
            Mark *last = &g_array_index (marks, Mark, marks->len - 1);

            last->last = decision;
            last->turns |= decision->turns;
            mark = *last;
        }
        ends[mark.row] = mark_end (&mark);
        *ret_rows = MAX (*ret_rows, mark.row + 1);
    }
    return marks;
}

static void
draw_mark (Chart *self, const Mark *mark)
{
    Point at = { mark->x, self->y + mark->row * ROW };
    double middle = at.x - RADIUS + mark_width (mark) / 2;
    g_autofree char *text = mark_text (mark);
    Shape *shape;

    if (mark_width (mark) <= 2 * RADIUS)
        shape = scene_disc (self->scene, mark->turns ? PAINT_TEXT : PAINT_BAND, at, RADIUS, 0);
    else
        shape = scene_rect (self->scene, mark->turns ? PAINT_TEXT : PAINT_BAND,
                            (Point){ at.x - RADIUS, at.y - RADIUS }, mark_width (mark), 2 * RADIUS);
    shape->title = words_decision (mark->first);
    shape = scene_text (self->scene, mark->turns ? PAINT_PAPER : PAINT_TEXT,
                        (Point){ middle, at.y + 3.5 }, 10, ANCHOR_MIDDLE, text);
    shape->bold = TRUE;
    shape->title = words_decision (mark->first);
}

static void
draw_decisions (Chart *self, guint index)
{
    guint rows;
    g_autoptr (GArray) marks = marks_of (self, self->stories[index], &rows);

    self->y += RADIUS;
    label (self, index, self->y, "decision");
    if (!marks->len)
        scene_text (self->scene, PAINT_SOFT, (Point){ self->left, self->y + 4 }, self->size,
                    ANCHOR_START, "none");
    chart_turns (self, index, self->y + RADIUS, self->y + rows * ROW + 2 * BAR - RADIUS + 12);
    for (guint i = 0; i < marks->len; i++)
        draw_mark (self, &g_array_index (marks, Mark, i));
    self->y += rows * ROW - RADIUS + 4;
}

/* --- where it was ---------------------------------------------------------------------------- */

static double
span_width (const Chart *self, const StorySpan *span, double least)
{
    return MAX (scale_at (&self->time, (double)span->to_us) -
                    scale_at (&self->time, (double)span->from_us),
                least);
}

static void
draw_span (Chart *self, const StorySpan *span, Paint paint, const char *text)
{
    double x = scale_at (&self->time, (double)span->from_us);
    double width = span_width (self, span, 1);
    g_autofree char *from = units_format_time ((guint64)span->from_us);
    g_autofree char *took = units_format_time ((guint64)(span->to_us - span->from_us));
    Shape *shape =
        scene_rect (self->scene, paint, (Point){ x, self->y }, MAX (width - 1, 0.6), BAR);

    shape->title = g_strdup_printf ("%s: from %s on, %s", text, from, took);
}

static void
draw_passes (Chart *self, guint index)
{
    const Story *story = self->stories[index];
    double free_from = 0;

    label (self, index, self->y + BAR / 2, "pass");
    for (guint i = 0; i < story->passes->len; i++) {
        const StorySpan *span = &g_array_index (story->passes, StorySpan, i);
        double width = span_width (self, span, 1);
        double middle = scale_at (&self->time, (double)span->from_us) + width / 2;
        g_autofree char *number = g_strdup_printf ("%" G_GUINT64_FORMAT, span->number);
        g_autofree char *text = g_strdup_printf ("pass %s", number);
        double room = scene_text_width (number, 10);

        draw_span (self, span, PAINT_BAND, text);
        if (room + 2 > width || middle - room / 2 < free_from)
            continue;
        scene_text (self->scene, PAINT_TEXT, (Point){ middle, self->y + 10.5 }, 10, ANCHOR_MIDDLE,
                    number);
        free_from = middle + room / 2;
    }
    for (guint i = 0; i < story->postcopy->len; i++) {
        const StorySpan *span = &g_array_index (story->postcopy, StorySpan, i);
        double x = scale_at (&self->time, (double)span->from_us);

        draw_span (self, span, PAINT_PURPLE, "postcopy");
        if (span_width (self, span, 1) > 60)
            scene_text (self->scene, PAINT_PAPER, (Point){ x + 5, self->y + 10.5 }, 10,
                        ANCHOR_START, "postcopy");
    }
    self->y += BAR + 4;
}

/* Beside the bar, on the side where there is room. */
static void
draw_stop_text (Chart *self, const Story *story, const StorySpan *span)
{
    double x = scale_at (&self->time, (double)span->from_us);
    double end = x + span_width (self, span, 3);
    gboolean before = x - self->left > (self->right - self->left) / 2;
    /* The result knows it better than the time at which the events were read. */
    guint64 known_us = qmp_peek_uint (story->result, "blackout_us", G_MAXUINT64);
    guint64 seen_us = (guint64)(span->to_us - span->from_us);
    g_autofree char *took = units_format_time (known_us == G_MAXUINT64 ? seen_us : known_us);
    g_autofree char *text = g_strdup_printf ("stood still, %s", took);

    scene_text (self->scene, PAINT_TEXT, (Point){ before ? x - 5 : end + 5, self->y + 11 },
                self->size, before ? ANCHOR_END : ANCHOR_START, text);
}

static void
draw_guest (Chart *self, guint index)
{
    const Story *story = self->stories[index];

    label (self, index, self->y + BAR / 2, "guest");
    scene_rect (self->scene, PAINT_BAND, (Point){ self->left, self->y + BAR / 2 - 1 },
                scale_at (&self->time, (double)story->end_us) - self->left, 2);
    for (guint i = 0; i < story->stopped->len; i++) {
        const StorySpan *span = &g_array_index (story->stopped, StorySpan, i);

        scene_rect (self->scene, PAINT_TEXT,
                    (Point){ scale_at (&self->time, (double)span->from_us), self->y },
                    span_width (self, span, 3), BAR);
        if (i == story->stopped->len - 1)
            draw_stop_text (self, story, span);
    }
    self->y += BAR + 4;
}

void
lanes_draw (Chart *self, guint index)
{
    draw_decisions (self, index);
    draw_passes (self, index);
    draw_guest (self, index);
    self->y += 6;
}
