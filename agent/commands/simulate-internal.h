/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Between the files of `qmpmig simulate`. */
#pragma once

#include "agent/commands/command.h"
#include "agent/predict/recording.h"
#include "agent/steering/trace.h"

typedef struct {
    const CommandLine *line;
    MigrateOptions *options;
    Recording recording; /* without a header: none was named */
    char *terms;         /* of the guest, where they were not given */
    Workload workload;
    Simulation simulation;
    guint64 memory_bytes;
    Trace *trace; /* NULL: none */
    char *id;     /* of its record */
    GPtrArray *lines;
} Simulate;

/* What is simulated: from the command line, and from the recording where that leaves it open. */
gboolean simulate_take_guest (Simulate *self, GError **error);
/* The limits that it was under, where none are given. */
gboolean simulate_take_limits (Simulate *self, GError **error);
gboolean simulate_fail (GError **error, const char *format, ...) G_GNUC_PRINTF (2, 3);
/* The record of one: FILE NULL is none. */
gboolean simulate_open_trace (Simulate *self, const char *file, GError **error);
/* With what came out, as it is printed. */
void simulate_close_trace (Simulate *self, json_object *simulated);
/* `simulated` lines. */
json_object *simulate_result_line (const Simulate *self, const char *policy, const SimResult *r);
/* What the recording says. */
json_object *simulate_actual_line (const Simulate *self);
