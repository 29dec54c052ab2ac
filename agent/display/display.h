/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Draws the lines of a record (docs/json.md) for people: the plan, one live line, notices, the
 * summary. It knows nothing but the lines, so a second terminal draws the same picture. Time is the
 * lines' own t_us: the same lines give the same output. */
#pragma once

#include <stdio.h>

#include "agent/options.h"
#include "qmp/message.h"

typedef struct Display Display;

typedef struct {
    FILE *out;     /* summary, plan, plain lines */
    FILE *err;     /* the live line, notices */
    gboolean live; /* err is a terminal that can rewrite its line */
    gboolean color;
    gboolean utf8;    /* both take UTF-8; else everything is ASCII */
    gboolean quiet;   /* errors and the result only */
    gboolean verbose; /* the whole plan, every advice, what was sent, events */
    gboolean fold;    /* out is a terminal: long sentences are folded at its width */
    int columns;      /* at most, whatever the terminal has; 0: ask the terminal, 80 */
} DisplayOptions;

/* Fills in what the terminal, NO_COLOR, TERM, COLUMNS and the locale say. With --json, stdout
 * belongs to the lines: everything goes to stderr, and little of it. */
void display_options_init (DisplayOptions *options, const GlobalOptions *global);

Display *display_new (const DisplayOptions *options);
void display_free (Display *self);
G_DEFINE_AUTOPTR_CLEANUP_FUNC (Display, display_free)

void display_line (Display *self, json_object *line); /* borrowed */
/* Ends the live line, so that something else can be printed. */
void display_break (Display *self);
