/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include <math.h>

#include "agent/report/chart.h"

typedef struct {
    gboolean stepped;
    GPtrArray *parts;
    GArray *part;                       /* the stretch that is drawn; NULL between two */
    int column;                         /* of pixels */
    Point first, lowest, highest, last; /* within it */
} Trail;

static void
append (Trail *self, Point point)
{
    Point *last;

    if (!self->part) {
        self->part = g_array_new (FALSE, FALSE, sizeof (Point));
        g_ptr_array_add (self->parts, self->part);
    }
    last = self->part->len ? &g_array_index (self->part, Point, self->part->len - 1) : NULL;
    if (last && last->x == point.x && last->y == point.y)
        return;
    if (last && self->stepped && last->y != point.y) {
        Point corner = { point.x, last->y };

        g_array_append_val (self->part, corner);
    }
    g_array_append_val (self->part, point);
}

/* However many samples fall on one column of pixels, four of them make the same picture. */
static void
flush_column (Trail *self)
{
    gboolean up = self->lowest.x <= self->highest.x;

    if (self->column < 0)
        return;
    append (self, self->first);
    append (self, up ? self->lowest : self->highest);
    append (self, up ? self->highest : self->lowest);
    append (self, self->last);
    self->column = -1;
}

static void
take (Trail *self, Point point)
{
    if ((int)point.x != self->column) {
        flush_column (self);
        self->column = (int)point.x;
        self->first = self->lowest = self->highest = point;
    }
    if (point.y < self->lowest.y)
        self->lowest = point;
    if (point.y > self->highest.y)
        self->highest = point;
    self->last = point;
}

GPtrArray *
trail_points (const Story *story, Series series, gboolean stepped, const Scale *x, const Scale *y)
{
    Trail self = { .stepped = stepped, .column = -1 };

    self.parts = g_ptr_array_new ();
    for (guint i = 0; i < story->samples->len; i++) {
        const StorySample *sample = &g_array_index (story->samples, StorySample, i);
        double value = sample->values[series];

        if (isnan (value)) {
            flush_column (&self);
            self.part = NULL;
            continue;
        }
        take (&self, (Point){ scale_at (x, (double)sample->t_us), scale_at (y, value) });
    }
    flush_column (&self);
    return self.parts;
}
