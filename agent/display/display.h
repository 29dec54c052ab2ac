/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Draws the lines of a record (docs/json.md) for people: the plan, one live line, notices, the
 * summary. It knows nothing but the lines, so a second terminal draws the same picture. */
#pragma once

#include <stdio.h>

#include "agent/options.h"
#include "qmp/message.h"

typedef struct Display Display;

typedef struct {
    FILE *out;          /* summary, plan, plain lines */
    FILE *err;          /* the live line, notices */
    gboolean live;      /* err is a terminal that can rewrite its line */
    gboolean color;
    gboolean quiet;     /* errors and the result only */
    int columns;        /* 0: ask the terminal, 80 */
} DisplayOptions;

/* Fills in what the terminal, NO_COLOR, TERM and COLUMNS say. */
void display_options_init (DisplayOptions *options, const GlobalOptions *global);

Display *display_new (const DisplayOptions *options);
void display_free (Display *self);
G_DEFINE_AUTOPTR_CLEANUP_FUNC (Display, display_free)

void display_line (Display *self, json_object *line); /* borrowed */
/* Ends the live line, so that something else can be printed. */
void display_break (Display *self);
