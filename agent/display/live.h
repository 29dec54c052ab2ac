/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include "agent/display/style.h"
#include "qmp/message.h"

/* One sample as one line that leaves the last of COLUMNS free: a terminal wraps when it is written.
 * NAME (clean) is the VM's. PROGRESS from 0 to 1, or negative when nothing is known. */
char *live_text (const Style *style, json_object *sample, const char *name, double progress,
                 int columns);
/* The same for a log: everything that is known, "web1: 12.3 s: pre-copy 58%, sent ...". */
char *live_plain_text (const Style *style, json_object *sample, const char *name, double progress);
