/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Two streams that may be one terminal, with a line at its bottom that is rewritten in place and
 * makes room for whatever else is printed. */
#pragma once

#include <glib.h>
#include <stdio.h>

typedef struct {
    FILE *out, *err;
    char *line; /* the live line that stands on err, or NULL */
} Screen;

/* TEXT is whole lines; the live line goes on below it. TO is one of the two streams. */
void screen_print (Screen *self, FILE *to, const char *text);
void screen_rewrite (Screen *self, const char *line);
void screen_break (Screen *self); /* the live line goes away */
