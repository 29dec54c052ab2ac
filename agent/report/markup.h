/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Text for HTML and SVG. What is in a trace was written by others; all of it comes through here. */
#pragma once

#include <glib.h>

void markup_text (GString *out, const char *text);
/* As printf; what each %s stands for is escaped, and must be clean otherwise. */
void markup_printf (GString *out, const char *format, ...) G_GNUC_PRINTF (2, 3);
/* A coordinate, with one decimal at most and a point in every language. */
void markup_number (GString *out, double value);
