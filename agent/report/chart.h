/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* One or two migrations over time: lanes with what was decided and where it was, and below them a
 * panel for each kind of number, all on one clock. */
#pragma once

#include "agent/report/scale.h"
#include "agent/report/scene.h"
#include "agent/report/story.h"

#define CHART_NARROW 480 /* below, for a telephone */

typedef struct {
    Scene *scene;
    const Story *stories[2]; /* the second may be NULL */
    gboolean narrow;
    double left, right; /* of the plots */
    double y;           /* where the next thing goes */
    double size;        /* of the text */
    Scale time;
} Chart;

/* The name of a line, at the height of its end. */
typedef struct {
    char *text;
    Paint paint;
    Dash dash;
    double y;
} Label;

/* Draws it into SCENE from Y on, and returns where it ends. AGAINST may be NULL. */
double chart_draw (Scene *scene, double y, const Story *story, const Story *against);
/* "A" or "B" where there are two, else "". */
const char *chart_letter (const Chart *self, guint index);
/* Where there are two, the colour tells whose it is. */
Paint chart_paint (const Chart *self, guint index, Paint alone);
/* A dotted line wherever something was turned. */
void chart_turns (Chart *self, guint index, double from_y, double to_y);

/* lanes.c: the decisions, the passes and the guest of one story. */
void lanes_draw (Chart *self, guint index);
/* panel.c: all panels. */
void panels_draw (Chart *self);
/* labels.c: the names of the lines of a panel, Labels. */
GArray *labels_new (void);
void labels_draw (Chart *self, GArray *labels, const Scale *y);
/* trail.c: GArrays of Point, one for each stretch where it is known. */
GPtrArray *trail_points (const Story *story, Series series, gboolean stepped, const Scale *x,
                         const Scale *y);
