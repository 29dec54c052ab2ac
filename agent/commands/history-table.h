/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Past migrations as a table. */
#pragma once

#include "agent/display/style.h"

/* LINES: those of history_line(). Owned by the caller. */
char *history_table (const Style *style, const GPtrArray *lines);
