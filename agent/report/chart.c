/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "agent/report/chart.h"

const char *
chart_letter (const Chart *self, guint index)
{
    return !self->stories[1] ? "" : index ? "B" : "A";
}

Paint
chart_paint (const Chart *self, guint index, Paint alone)
{
    return !self->stories[1] ? alone : index ? PAINT_RED : PAINT_BLUE;
}

void
chart_turns (Chart *self, guint index, double from_y, double to_y)
{
    const Story *story = self->stories[index];
    double last = -10;

    for (guint i = 0; i < story->decisions->len; i++) {
        const StoryDecision *decision = g_ptr_array_index (story->decisions, i);
        double x = scale_at (&self->time, (double)decision->t_us);

        if (!decision->turns || x - last < 3)
            continue;
        scene_segment (self->scene, chart_paint (self, index, PAINT_SOFT), 1, (Point){ x, from_y },
                       (Point){ x, to_y })
            ->dash = DASH_SHORT;
        last = x;
    }
}

static gboolean
has_samples (const Chart *self)
{
    return self->stories[0]->samples->len || (self->stories[1] && self->stories[1]->samples->len);
}

static void
draw_time_axis (Chart *self)
{
    g_autoptr (GArray) ticks = scale_ticks (&self->time, self->narrow ? 76 : 96);

    for (guint i = 0; i < ticks->len; i++) {
        double value = g_array_index (ticks, double, i);
        double x = scale_at (&self->time, value);
        g_autofree char *text = scale_label (&self->time, value);
        double room;

        scene_segment (self->scene, PAINT_SOFT, 1, (Point){ x, self->y - 8 },
                       (Point){ x, self->y - 3 });
        room = scene_text_width (text, self->size) / 2;
        scene_text (self->scene, PAINT_SOFT,
                    (Point){ MIN (x, self->scene->width - room), self->y + 10 }, self->size,
                    ANCHOR_MIDDLE, text);
    }
    scene_text (self->scene, PAINT_SOFT, (Point){ (self->left + self->right) / 2, self->y + 26 },
                self->size, ANCHOR_MIDDLE, "time since the start");
    self->y += 34;
}

static void
say_that_there_is_nothing (Chart *self)
{
    scene_text (
        self->scene, PAINT_SOFT, (Point){ self->left, self->y + 24 }, self->size + 1, ANCHOR_START,
        self->narrow ? "No sample: nothing had begun to move."
                     : "There is no sample in this trace: it ended before any memory moved.");
    self->y += 40;
}

double
chart_draw (Scene *scene, double y, const Story *story, const Story *against)
{
    gboolean narrow = scene->width < CHART_NARROW;
    Chart self = { .scene = scene, .stories = { story, against }, .narrow = narrow, .y = y };
    gint64 end_us = MAX (story->end_us, against ? against->end_us : 0);

    self.size = narrow ? 11 : 12;
    self.left = narrow ? 70 : 84;
    self.right = scene->width - (narrow ? 12 : against ? 40 : 112);
    self.time = (Scale){
        .unit = UNIT_TIME, .max = (double)MAX (end_us, 1000), .from = self.left, .to = self.right
    };
    lanes_draw (&self, 0);
    if (against)
        lanes_draw (&self, 1);
    if (has_samples (&self))
        panels_draw (&self);
    else
        say_that_there_is_nothing (&self);
    draw_time_axis (&self);
    return self.y;
}
