/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* A table on a terminal: columns as wide as they need to be. */
#pragma once

#include "agent/display/style.h"

/* In which ink a cell is written; NULL: all plain. */
typedef Ink (*ColumnsInk) (guint column, const char *cell);

/* ROWS are GStrv of one length, the titles first; their texts are clean. Owned by the caller. */
char *columns_text (const Style *style, const GPtrArray *rows, ColumnsInk ink);
