/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "agent/report/chart.h"

static int
compare_labels (gconstpointer a, gconstpointer b)
{
    const Label *left = a, *right = b;

    return left->y < right->y ? -1 : left->y > right->y;
}

/* Where each line ends, and none above another. */
static void
name_at_ends (Chart *self, GArray *labels, const Scale *y)
{
    double free_from = y->to - 4;

    g_array_sort (labels, compare_labels);
    for (guint i = 0; i < labels->len; i++) {
        Label *label = &g_array_index (labels, Label, i);
        double below = (labels->len - 1 - i) * 15.0;

        label->y = CLAMP (label->y, free_from + 4, MAX (y->from - below, free_from + 4));
        free_from = label->y + 11;
        scene_text (self->scene, label->paint, (Point){ self->right + 8, label->y + 4 }, self->size,
                    ANCHOR_START, label->text)
            ->bold = TRUE;
    }
}

/* Where there is no room beside the plot: above it, from the right, each behind a piece of line. */
static void
name_above (Chart *self, GArray *labels, const Scale *y)
{
    double x = self->right;

    for (guint i = labels->len; i > 0; i--) {
        const Label *label = &g_array_index (labels, Label, i - 1);
        Point at = { x, y->to - 7 };

        scene_text (self->scene, label->paint, at, self->size, ANCHOR_END, label->text)->bold =
            TRUE;
        x -= scene_text_width (label->text, self->size) * 1.1 + 22; /* it is bold */
        scene_segment (self->scene, label->paint, 2, (Point){ x, at.y - 4 },
                       (Point){ x + 18, at.y - 4 })
            ->dash = label->dash;
        x -= 8;
    }
}

static void
clear_label (gpointer label)
{
    g_free (((Label *)label)->text);
}

GArray *
labels_new (void)
{
    GArray *labels = g_array_new (FALSE, FALSE, sizeof (Label));

    g_array_set_clear_func (labels, clear_label);
    return labels;
}

void
labels_draw (Chart *self, GArray *labels, const Scale *y)
{
    if (self->narrow)
        name_above (self, labels, y);
    else
        name_at_ends (self, labels, y);
}
