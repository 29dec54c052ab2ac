/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* What the terminal can do; display_options_init() is here too. */
#pragma once

#include "agent/display/display.h"

/* Asked anew for each line drawn, which is all that a resized window needs. AT_MOST 0: no limit. */
int terminal_columns (FILE *file, int at_most);
