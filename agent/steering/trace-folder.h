/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* The folder of the traces, one file a migration: ID.jsonl, at the receiving end ID-in.jsonl. */
#pragma once

#include <glib.h>

typedef struct {
    char *path;
    char *id;
    char *stamp; /* when it began, as in the id; such texts order by time */
    gint64 modified_us;
    guint64 bytes;
} TraceEntry;

typedef struct {
    guint traces;
    guint64 bytes;
    /* One without a result whose writer is dead waits so long for `recover`; then it counts as
     * left, and goes like any other. */
    gint64 left_after_us;
} TraceQuota;

extern const TraceQuota trace_quota;

/* The file for a migration whose header says ROLE. Owned by the caller. */
char *trace_folder_file (const char *folder, const char *id, const char *role);
/* TraceEntry, the newest first. FOREIGN gets the names of what is there and is no trace; may be
 * NULL. A folder that is not there is empty. */
GPtrArray *trace_folder_list (const char *folder, GPtrArray *foreign, GError **error);
/* The least recently written go until the rest is within QUOTA. What is still written stays. */
void trace_folder_prune (const char *folder, const TraceQuota *quota);
