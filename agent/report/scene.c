/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "agent/report/scene.h"

const PaintColors paint_colors[N_PAINTS] = {
    [PAINT_PAPER] = { "paper", 0xffffff, 0x14181d },
    [PAINT_TEXT] = { "text", 0x1b1f24, 0xe8ebee },
    [PAINT_SOFT] = { "soft", 0x59636e, 0xa3adb8 },
    [PAINT_GRID] = { "grid", 0xdfe3e8, 0x333a43 },
    [PAINT_BAND] = { "band", 0xe9edf1, 0x272e36 },
    [PAINT_BLUE] = { "blue", 0x0072b2, 0x56b4e9 },
    [PAINT_RED] = { "red", 0xc24e00, 0xff8a4c },
    [PAINT_GREEN] = { "green", 0x007a5a, 0x2fc79a },
    [PAINT_PURPLE] = { "purple", 0xa34a80, 0xdd9cc0 },
    [PAINT_ORANGE] = { "orange", 0xe69f00, 0xe69f00 },
};

static void
shape_free (gpointer data)
{
    Shape *self = data;

    if (self->points)
        g_array_unref (self->points);
    g_free (self->text);
    g_free (self->title);
    g_free (self);
}

Scene *
scene_new (double width)
{
    Scene *self = g_new0 (Scene, 1);

    self->width = width;
    self->shapes = g_ptr_array_new_with_free_func (shape_free);
    return self;
}

void
scene_free (Scene *self)
{
    if (!self)
        return;
    g_ptr_array_unref (self->shapes);
    g_free (self);
}

static Shape *
add (Scene *self, Shape shape)
{
    Shape *added = g_memdup2 (&shape, sizeof shape);

    g_ptr_array_add (self->shapes, added);
    return added;
}

Shape *
scene_line (Scene *self, Paint paint, double stroke, Dash dash, GArray *points)
{
    return add (self, (Shape){ .kind = SHAPE_LINE,
                               .paint = paint,
                               .stroke = stroke,
                               .opacity = 1,
                               .dash = dash,
                               .points = points });
}

Shape *
scene_segment (Scene *self, Paint paint, double stroke, Point from, Point to)
{
    GArray *points = g_array_new (FALSE, FALSE, sizeof (Point));

    g_array_append_val (points, from);
    g_array_append_val (points, to);
    return scene_line (self, paint, stroke, DASH_NONE, points);
}

Shape *
scene_area (Scene *self, Paint paint, double opacity, GArray *points)
{
    return add (
        self, (Shape){ .kind = SHAPE_AREA, .paint = paint, .opacity = opacity, .points = points });
}

Shape *
scene_rect (Scene *self, Paint paint, Point at, double width, double height)
{
    return add (self, (Shape){ .kind = SHAPE_RECT,
                               .paint = paint,
                               .x = at.x,
                               .y = at.y,
                               .width = width,
                               .height = height,
                               .opacity = 1 });
}

Shape *
scene_disc (Scene *self, Paint paint, Point at, double radius, double stroke)
{
    return add (self, (Shape){ .kind = SHAPE_DISC,
                               .paint = paint,
                               .x = at.x,
                               .y = at.y,
                               .height = radius,
                               .stroke = stroke,
                               .opacity = 1 });
}

Shape *
scene_text (Scene *self, Paint paint, Point at, double size, Anchor anchor, const char *text)
{
    return add (self, (Shape){ .kind = SHAPE_TEXT,
                               .paint = paint,
                               .x = at.x,
                               .y = at.y,
                               .height = size,
                               .opacity = 1,
                               .anchor = anchor,
                               .text = g_strdup (text) });
}

double
scene_text_width (const char *text, double size)
{
    double units = 0;

    for (const char *p = text; *p; p = g_utf8_next_char (p))
        units += g_unichar_iswide (g_utf8_get_char (p)) ? 1.0 : g_ascii_isupper (*p) ? 0.68 : 0.56;
    return units * size;
}
