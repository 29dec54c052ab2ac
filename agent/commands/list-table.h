/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* The `vm` lines as a table for people. */
#pragma once

#include "agent/display/style.h"
#include "qmp/message.h"

/* LINES is of json_object. Owned by the caller; ends with a newline. */
char *list_table (const Style *style, const GPtrArray *lines);
