/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* How text is dressed. Colour only repeats what the words say. */
#pragma once

#include <glib.h>

typedef enum { INK_PLAIN, INK_BOLD, INK_GOOD, INK_CAUTION, INK_BAD } Ink;

typedef struct {
    gboolean color, utf8, verbose;
    int fold; /* sentences are folded at this column; 0: never */
} Style;

void style_ink (const Style *self, GString *out, Ink ink, const char *text);
/* The UTF-8 text where it can be shown, else the ASCII one. */
const char *style_either (const Style *self, const char *utf8, const char *ascii);
