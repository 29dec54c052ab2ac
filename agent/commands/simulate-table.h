/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* What simulated migrations came to, as a table for people. */
#pragma once

#include "agent/display/style.h"

/* LINES: `simulated` lines (docs/json.md). Owned by the caller. */
char *simulate_table (const Style *style, const GPtrArray *lines);
