/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* A trace on the disk, as far as one has to read it to know which migration it is of and how that
 * ended. The format: docs/json.md. */
#pragma once

#include "qmp/message.h"

typedef enum {
    TRACE_RUNNING, /* its writer lives, and has not come to the result */
    TRACE_ENDED,   /* the last line is a result */
    TRACE_LEFT,    /* its writer died before */
} TraceState;

typedef struct {
    json_object *header; /* the first line */
    json_object *result; /* the last line; NULL: it is none */
    TraceState state;
} TraceFile;

/* FALSE for what is no trace. A torn last line counts as not written. */
gboolean trace_file_read (const char *path, TraceFile *ret_file, GError **error);
void trace_file_clear (TraceFile *self);
G_DEFINE_AUTO_CLEANUP_CLEAR_FUNC (TraceFile, trace_file_clear)

/* FD is ours alone to write from now on, until it is closed; FALSE when it is another's. Goes by
 * the open file, so that readers can look without taking it. */
gboolean trace_file_lock (int fd);
/* Where the last whole line ends. */
goffset trace_file_whole (int fd, goffset length);
