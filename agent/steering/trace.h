/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Writes the record of one migration to the disk, line by line as it is posted. No trouble with it
 * is one of the migration's: it is told once, and the migration goes on. */
#pragma once

#include "qmp/message.h"

typedef struct Trace Trace;

/* Into the folder of the traces, from the header on, which tells the migration's id. */
Trace *trace_new (void);
/* Into FILE, over what was there. */
Trace *trace_new_file (const char *file, GError **error);
/* LINE goes in as TEXT, if it is one of those that do; the header and the result are on the disk on
 * return. What the operator should hear of, once: owned by the caller; mostly NULL. */
char *trace_line (Trace *self, json_object *line, const char *text);
/* Closes it; traces that are too many go. NULL is fine. */
void trace_free (Trace *self);
G_DEFINE_AUTOPTR_CLEANUP_FUNC (Trace, trace_free)
