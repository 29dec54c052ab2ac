/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "agent/commands/history-line.h"

#include "qmp/value.h"

static void
copy (json_object *line, const char *name, json_object *from, const char *path)
{
    json_object *value = qmp_peek (from, path);

    if (value)
        json_object_object_add (line, name, json_object_get (value));
}

static void
copy_text (json_object *line, const char *name, json_object *from, const char *path)
{
    qmp_add_string (line, name, qmp_peek_string (from, path, NULL));
}

static const char *
outcome_of (const TraceFile *file)
{
    switch (file->state) {
    case TRACE_RUNNING:
        return "running";
    case TRACE_LEFT:
        return "left";
    case TRACE_ENDED:
        return qmp_peek_string (file->result, "outcome", "left");
    }
    return "left";
}

/* What the throttle took and what the blackout did. */
static void
add_work_lost (json_object *line, json_object *result)
{
    guint64 throttled_us = qmp_peek_uint (result, "throttle_integral_us", G_MAXUINT64);
    guint64 blackout_us = qmp_peek_uint (result, "blackout_us", G_MAXUINT64);

    if (qmp_peek (result, "work_lost_us"))
        copy (line, "work_lost_us", result, "work_lost_us");
    else if (throttled_us != G_MAXUINT64 && blackout_us != G_MAXUINT64)
        json_object_object_add (line, "work_lost_us",
                                json_object_new_uint64 (throttled_us + blackout_us));
}

json_object *
history_line (const TraceEntry *entry, const TraceFile *file)
{
    static const char *const of_header[] = { "vm", "role", "observe", "policy" };
    static const char *const of_result[] = { "exit_code",   "guest_runs_on",   "total_us",
                                             "blackout_us", "blackout_source", "sent_bytes",
                                             "passes",      "predicted" };
    json_object *line = qmp_object ("id", json_object_new_string (entry->id), "outcome",
                                    json_object_new_string (outcome_of (file)), "trace",
                                    json_object_new_string (entry->path), "trace_bytes",
                                    json_object_new_uint64 (entry->bytes), NULL);

    copy_text (line, "began", file->header, "wall_clock");
    copy_text (line, "from", file->header, "ends.source.address");
    copy_text (line, "to", file->header, "uri");
    for (guint i = 0; i < G_N_ELEMENTS (of_header); i++)
        copy (line, of_header[i], file->header, of_header[i]);
    for (guint i = 0; i < G_N_ELEMENTS (of_result); i++)
        copy (line, of_result[i], file->result, of_result[i]);
    add_work_lost (line, file->result);
    return line;
}

gboolean
history_line_is_of (json_object *line, const char *pattern)
{
    const char *name = qmp_peek_string (line, "vm.name", NULL);
    const char *uuid = qmp_peek_string (line, "vm.uuid", NULL);

    return (name && g_pattern_match_simple (pattern, name)) ||
           (uuid && g_ascii_strcasecmp (pattern, uuid) == 0);
}
