/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Text on a terminal: what a peer wrote made harmless, and how wide it is there. */
#pragma once

#include "agent/display/style.h"
#include "qmp/message.h"

/* TEXT as one line without control or format characters, which become visible escapes (\x1b): a VM
 * may be named after an escape sequence. Without UTF8 the rest of Unicode is escaped as well.
 * Bounded in length. All that comes out of a line of the record goes through here. */
char *text_clean (const char *text, gboolean utf8);
/* The same for a string in a line; NULL if there is none, or an empty one. */
char *text_peek (const Style *style, json_object *line, const char *path);
/* The same for a list of strings; an empty one if there is none. */
GStrv text_peek_list (const Style *style, json_object *line, const char *path);

/* The value of QEMU's parameter NAME with its unit ("unlimited", "500 ms"); NULL for no value. */
char *text_parameter (const Style *style, const char *name, json_object *value);

int text_width (const char *text); /* columns; TEXT is clean */
/* At most COLUMNS wide, with an ellipsis where something is missing. */
char *text_cut (const Style *style, const char *text, int columns);
void text_spaces (GString *out, int count);

/* Appends TEXT with the cursor at COLUMN, continued at column INDENT on further lines. */
void text_fold (const Style *style, GString *out, int column, int indent, const char *text);
/* "  KEY            TEXT", folded, with its newline. */
void text_row (const Style *style, GString *out, const char *key, const char *text);
