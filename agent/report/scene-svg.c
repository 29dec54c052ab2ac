/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include <string.h>

#include "agent/report/markup.h"
#include "agent/report/scene.h"

#define FONT "system-ui,-apple-system,'Segoe UI',Roboto,'DejaVu Sans',sans-serif"

static void
attribute (GString *out, const char *name, double value)
{
    if (!name)
        return;
    g_string_append_printf (out, " %s=\"", name);
    markup_number (out, value);
    g_string_append_c (out, '"');
}

/* The colours of a light ground stand in the element, for viewers that know no style sheets. */
static void
append_paint (GString *out, const Shape *shape)
{
    const PaintColors *colors = &paint_colors[shape->paint];
    const char *how = shape->stroke > 0 ? "stroke" : "fill";

    g_string_append_printf (out, " class=\"%c-%s\" %s=\"#%06x\"", how[0], colors->name, how,
                            colors->light);
    if (shape->stroke > 0) {
        g_string_append (out, " fill=\"none\"");
        attribute (out, "stroke-width", shape->stroke);
    }
    if (shape->opacity < 1)
        g_string_append_printf (out, " opacity=\".%02d\"", (int)(shape->opacity * 100));
}

static void
append_points (GString *out, const GArray *points)
{
    g_string_append (out, " points=\"");
    for (guint i = 0; i < points->len; i++) {
        const Point *point = &g_array_index (points, Point, i);

        if (i)
            g_string_append_c (out, ' ');
        markup_number (out, point->x);
        g_string_append_c (out, ',');
        markup_number (out, point->y);
    }
    g_string_append_c (out, '"');
}

static void
append_dash (GString *out, Dash dash)
{
    if (dash != DASH_NONE)
        g_string_append_printf (out, " stroke-dasharray=\"%s\"", dash == DASH_LONG ? "7 4" : "2 3");
}

/* An element, and its attributes that are numbers; NULL: it has none such. */
static const struct {
    const char *name, *x, *y, *width, *height;
} elements[] = {
    [SHAPE_LINE] = { .name = "polyline" },
    [SHAPE_AREA] = { .name = "polygon" },
    [SHAPE_RECT] = { "rect", "x", "y", "width", "height" },
    [SHAPE_DISC] = { "circle", "cx", "cy", NULL, "r" },
    [SHAPE_TEXT] = { "text", "x", "y", NULL, "font-size" },
};

static void
append_geometry (GString *out, const Shape *shape)
{
    g_string_append_printf (out, "<%s", elements[shape->kind].name);
    if (shape->kind == SHAPE_LINE)
        g_string_append (out, " stroke-linejoin=\"round\"");
    if (shape->points)
        append_points (out, shape->points);
    append_dash (out, shape->dash);
    attribute (out, elements[shape->kind].x, shape->x);
    attribute (out, elements[shape->kind].y, shape->y);
    attribute (out, elements[shape->kind].width, shape->width);
    attribute (out, elements[shape->kind].height, shape->height);
}

static void
append_shape (GString *out, const Shape *shape)
{
    static const char *const anchors[] = { "start", "middle", "end" };

    append_geometry (out, shape);
    append_paint (out, shape);
    if (shape->anchor != ANCHOR_START)
        g_string_append_printf (out, " text-anchor=\"%s\"", anchors[shape->anchor]);
    if (shape->bold)
        g_string_append (out, " font-weight=\"600\"");
    if (!shape->text && !shape->title) {
        g_string_append (out, "/>\n");
        return;
    }
    g_string_append_c (out, '>');
    if (shape->title) {
        g_string_append (out, "<title>");
        markup_text (out, shape->title);
        g_string_append (out, "</title>");
    }
    if (shape->text)
        markup_text (out, shape->text);
    g_string_append_printf (out, "</%s>\n", elements[shape->kind].name);
}

char *
scene_style (void)
{
    GString *out = g_string_new ("@media (prefers-color-scheme:dark){");

    for (guint i = 0; i < N_PAINTS; i++)
        g_string_append_printf (out, ".f-%s{fill:#%06x}.s-%s{stroke:#%06x}", paint_colors[i].name,
                                paint_colors[i].dark, paint_colors[i].name, paint_colors[i].dark);
    g_string_append_c (out, '}');
    return g_string_free (out, FALSE);
}

static void
append_ground (GString *out)
{
    g_autofree char *style = scene_style ();

    g_string_append_printf (out,
                            "<style>%s</style>\n<rect class=\"f-paper\" fill=\"#%06x\" "
                            "width=\"100%%\" height=\"100%%\"/>\n",
                            style, paint_colors[PAINT_PAPER].light);
}

char *
scene_svg (const Scene *self, const char *label, gboolean standalone)
{
    GString *out = g_string_new ("<svg xmlns=\"http://www.w3.org/2000/svg\" role=\"img\"");

    attribute (out, "width", self->width);
    attribute (out, "height", self->height);
    g_string_append (out, " viewBox=\"0 0 ");
    markup_number (out, self->width);
    g_string_append_c (out, ' ');
    markup_number (out, self->height);
    g_string_append (out, "\" font-family=\"" FONT "\" aria-label=\"");
    markup_text (out, label);
    g_string_append (out, "\">\n");
    if (standalone)
        append_ground (out);
    for (guint i = 0; i < self->shapes->len; i++)
        append_shape (out, g_ptr_array_index (self->shapes, i));
    g_string_append (out, "</svg>\n");
    return g_string_free (out, FALSE);
}
