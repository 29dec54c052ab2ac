/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include "agent/display/style.h"

/* WIDTH columns with the frame; PROGRESS from 0 to 1. */
char *bar_text (const Style *style, double progress, int width);
