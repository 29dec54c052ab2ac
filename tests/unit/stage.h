/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* A display that draws into memory. */
#pragma once

#include <stdio.h>

#include "agent/display/display.h"

/* What the terminal erases a live line with. */
#define STAGE_ERASE "\033[K"

typedef struct {
    Display *display;
    FILE *file; /* both streams */
    char *text;
    size_t size;
} Stage;

void stage_open (Stage *self, DisplayOptions options);
void stage_close (Stage *self);
void stage_feed (Stage *self, const char *json);
/* REST: more members of the sample. */
void stage_feed_sample (Stage *self, guint64 t_us, const char *rest);
/* What was drawn since the last call. */
char *stage_take (Stage *self);
/* What an example of tests/display looks like. */
char *stage_draw_example (const char *name, DisplayOptions options);
