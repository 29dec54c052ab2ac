/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* What steering would have saved the migrations that were only observed: what their policy foresaw
 * when it would first have turned something, against what came. How far such forecasts can be
 * believed is told by those that were steered indeed. */
#pragma once

#include "agent/display/style.h"
#include "agent/steering/trace-file.h"

typedef struct Would Would;

Would *would_new (void);
void would_free (Would *self);
G_DEFINE_AUTOPTR_CLEANUP_FUNC (Would, would_free)

gboolean would_take (Would *self, const char *path, const TraceFile *file, GError **error);
/* The members of the line "would". */
json_object *would_to_json (const Would *self);
/* The same for people, from that line. */
char *would_text (const Style *style, json_object *line);
