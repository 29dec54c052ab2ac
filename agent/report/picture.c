/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "agent/report/picture.h"

#include "agent/report/chart.h"
#include "agent/report/words.h"

#define WIDTH  920.0
#define MARGIN 16.0

typedef struct {
    Scene *scene;
    double y;
} Picture;

/* Folds TEXT between X and the right margin. */
static void
put_folded (Picture *self, Paint paint, double x, double size, gboolean bold, const char *text)
{
    g_auto (GStrv) words = g_strsplit (text, " ", -1);
    g_autoptr (GString) line = g_string_new (NULL);
    double room = self->scene->width - x - MARGIN;

    for (guint i = 0; words[i] || line->len; i++) {
        g_autofree char *longer =
            words[i] ? g_strdup_printf ("%s%s%s", line->str, line->len ? " " : "", words[i]) : NULL;

        if (longer && (!line->len || scene_text_width (longer, size) < room)) {
            g_string_assign (line, longer);
            continue;
        }
        self->y += size * 1.4;
        scene_text (self->scene, paint, (Point){ x, self->y }, size, ANCHOR_START, line->str)
            ->bold = bold;
        g_string_assign (line, words[i] ? words[i] : "");
        if (!words[i])
            break;
    }
}

static void
put_title (Picture *self, const Story *story, const char *letter)
{
    g_autofree char *headline = words_headline (story);
    g_autofree char *cost = words_cost (story);
    g_autofree char *title =
        *letter ? g_strdup_printf ("%s  %s", letter, headline) : g_strdup (headline);

    put_folded (self, PAINT_TEXT, MARGIN, 15, TRUE, title);
    if (story->observed_only)
        put_folded (self, PAINT_TEXT, MARGIN, 12, FALSE,
                    "Observed only: nothing of what was decided was done.");
    put_folded (self, PAINT_SOFT, MARGIN, 12, FALSE, cost);
    self->y += 8;
}

static void
put_decisions (Picture *self, const Story *story, const char *letter)
{
    self->y += 8;
    for (guint i = 0; i < story->decisions->len; i++) {
        const StoryDecision *decision = g_ptr_array_index (story->decisions, i);
        g_autofree char *text = words_decision (decision);
        g_autofree char *line = g_strdup_printf ("%s%s", letter, text);

        put_folded (self, decision->turns ? PAINT_TEXT : PAINT_SOFT, MARGIN, 12, FALSE, line);
    }
}

Scene *
picture_scene (const Story *story, const Story *against)
{
    Picture self = { .scene = scene_new (WIDTH), .y = 6 };

    put_title (&self, story, against ? "A" : "");
    if (against)
        put_title (&self, against, "B");
    self.y = chart_draw (self.scene, self.y + 4, story, against);
    put_decisions (&self, story, against ? "A " : "");
    if (against)
        put_decisions (&self, against, "B ");
    self.scene->height = self.y + MARGIN;
    return self.scene;
}
