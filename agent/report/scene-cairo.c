/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include <cairo.h>
#include <math.h>

#include "agent/display/text.h"
#include "agent/report/scene.h"

#define DENSITY 2

static void
set_paint (cairo_t *cr, Paint paint, double opacity)
{
    guint32 rgb = paint_colors[paint].light;

    cairo_set_source_rgba (cr, (rgb >> 16) / 255.0, (rgb >> 8 & 0xff) / 255.0, (rgb & 0xff) / 255.0,
                           opacity);
}

static void
set_dash (cairo_t *cr, Dash dash)
{
    static const double long_dash[] = { 7, 4 }, short_dash[] = { 2, 3 };

    switch (dash) {
    case DASH_NONE:
        cairo_set_dash (cr, NULL, 0, 0);
        break;
    case DASH_LONG:
        cairo_set_dash (cr, long_dash, 2, 0);
        break;
    case DASH_SHORT:
        cairo_set_dash (cr, short_dash, 2, 0);
        break;
    }
}

static void
add_path (cairo_t *cr, const Shape *shape)
{
    for (guint i = 0; shape->points && i < shape->points->len; i++) {
        const Point *point = &g_array_index (shape->points, Point, i);

        cairo_line_to (cr, point->x, point->y);
    }
    if (shape->kind == SHAPE_RECT)
        cairo_rectangle (cr, shape->x, shape->y, shape->width, shape->height);
    if (shape->kind == SHAPE_DISC)
        cairo_arc (cr, shape->x, shape->y, shape->height, 0, 2 * G_PI);
}

static void
draw_text (cairo_t *cr, const Shape *shape)
{
    g_autofree char *clean = text_clean (shape->text, TRUE);
    cairo_text_extents_t extents;
    double back = shape->anchor == ANCHOR_END ? 1 : shape->anchor == ANCHOR_MIDDLE ? 0.5 : 0;

    cairo_select_font_face (cr, "sans-serif", CAIRO_FONT_SLANT_NORMAL,
                            shape->bold ? CAIRO_FONT_WEIGHT_BOLD : CAIRO_FONT_WEIGHT_NORMAL);
    cairo_set_font_size (cr, shape->height);
    cairo_text_extents (cr, clean, &extents);
    cairo_move_to (cr, shape->x - back * extents.x_advance, shape->y);
    cairo_show_text (cr, clean);
}

static void
draw_shape (cairo_t *cr, const Shape *shape)
{
    set_paint (cr, shape->paint, shape->opacity);
    set_dash (cr, shape->dash);
    cairo_new_path (cr);
    if (shape->kind == SHAPE_TEXT) {
        draw_text (cr, shape);
        return;
    }
    add_path (cr, shape);
    if (shape->stroke > 0) {
        cairo_set_line_width (cr, shape->stroke);
        cairo_stroke (cr);
    } else {
        cairo_fill (cr);
    }
}

gboolean
scene_png (const Scene *self, const char *path, GError **error)
{
    cairo_surface_t *surface = cairo_image_surface_create (
        CAIRO_FORMAT_RGB24, (int)ceil (self->width * DENSITY), (int)ceil (self->height * DENSITY));
    cairo_t *cr = cairo_create (surface);
    cairo_status_t status;

    cairo_scale (cr, DENSITY, DENSITY);
    cairo_set_line_join (cr, CAIRO_LINE_JOIN_ROUND);
    set_paint (cr, PAINT_PAPER, 1);
    cairo_paint (cr);
    for (guint i = 0; i < self->shapes->len; i++)
        draw_shape (cr, g_ptr_array_index (self->shapes, i));
    status = cairo_status (cr);
    cairo_destroy (cr);
    if (status == CAIRO_STATUS_SUCCESS)
        status = cairo_surface_write_to_png (surface, path);
    cairo_surface_destroy (surface);
    if (status == CAIRO_STATUS_SUCCESS)
        return TRUE;
    g_set_error (error, G_FILE_ERROR, G_FILE_ERROR_FAILED, "%s: %s", path,
                 cairo_status_to_string (status));
    return FALSE;
}
