/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* A past migration as a line of docs/json.md. */
#pragma once

#include "agent/steering/trace-file.h"
#include "agent/steering/trace-folder.h"

/* Without what begins a record. Owned by the caller. */
json_object *history_line (const TraceEntry *entry, const TraceFile *file);
/* Is it of the VM that PATTERN means, a name with * and ?, or a uuid? */
gboolean history_line_is_of (json_object *line, const char *pattern);
