/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* What is to be drawn, as a list of shapes from the back to the front, in CSS pixels. It becomes
 * SVG (scene-svg.c), whose text stays text and follows the reader's choice of dark or light, or
 * pixels (scene-cairo.c). */
#pragma once

#include <glib.h>

/* Colours after Okabe and Ito, which those with any kind of colour vision tell apart. */
typedef enum {
    PAINT_PAPER,
    PAINT_TEXT,
    PAINT_SOFT,
    PAINT_GRID,
    PAINT_BAND,
    PAINT_BLUE,
    PAINT_RED,
    PAINT_GREEN,
    PAINT_PURPLE,
    PAINT_ORANGE,
    N_PAINTS
} Paint;

typedef struct {
    const char *name;
    guint32 light, dark; /* 0xRRGGBB */
} PaintColors;

extern const PaintColors paint_colors[N_PAINTS];

typedef enum { SHAPE_LINE, SHAPE_AREA, SHAPE_RECT, SHAPE_DISC, SHAPE_TEXT } ShapeKind;
typedef enum { DASH_NONE, DASH_LONG, DASH_SHORT } Dash;
typedef enum { ANCHOR_START, ANCHOR_MIDDLE, ANCHOR_END } Anchor;

typedef struct {
    double x, y;
} Point;

typedef struct {
    ShapeKind kind;
    Paint paint;
    double x, y, width, height; /* SHAPE_TEXT: the height is the font's size; SHAPE_DISC: radius */
    double stroke;              /* a line's width; SHAPE_DISC: 0 is a filled one */
    double opacity;
    Dash dash;
    Anchor anchor;
    gboolean bold;
    GArray *points; /* Point; NULL: none */
    char *text;
    char *title; /* what is told on hovering; NULL: nothing */
} Shape;

typedef struct {
    double width, height;
    GPtrArray *shapes; /* Shape */
} Scene;

Scene *scene_new (double width);
void scene_free (Scene *self);
G_DEFINE_AUTOPTR_CLEANUP_FUNC (Scene, scene_free)

/* Each returns the shape, for what is seldom set: title, opacity, bold. Takes POINTS. */
Shape *scene_line (Scene *self, Paint paint, double stroke, Dash dash, GArray *points);
Shape *scene_segment (Scene *self, Paint paint, double stroke, Point from, Point to);
Shape *scene_area (Scene *self, Paint paint, double opacity, GArray *points);
Shape *scene_rect (Scene *self, Paint paint, Point at, double width, double height);
Shape *scene_disc (Scene *self, Paint paint, Point at, double radius, double stroke);
Shape *scene_text (Scene *self, Paint paint, Point at, double size, Anchor anchor,
                   const char *text);
/* About how wide TEXT will be in whatever font there is, rather more than less. */
double scene_text_width (const char *text, double size);

/* An svg element. STANDALONE: with its own name space, style and ground, as a file needs it; else
 * for a page that has scene_style() in its style sheet. */
char *scene_svg (const Scene *self, const char *label, gboolean standalone);
/* The rules that turn the colours for a dark ground. */
char *scene_style (void);
/* Twice as many pixels in each direction, for the screens of today. */
gboolean scene_png (const Scene *self, const char *path, GError **error);
