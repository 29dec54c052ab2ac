/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* What Prometheus reads, as a file for node_exporter's textfile collector. */
#pragma once

#include "qmp/message.h"

typedef struct Metrics Metrics;

Metrics *metrics_new (void);
void metrics_free (Metrics *self);

/* A `result` line, and the gauges of that migration go. */
void metrics_count (Metrics *self, const char *id, json_object *result);
/* A `sample` line of one that runs. */
void metrics_see (Metrics *self, const char *id, const char *vm, const char *uuid,
                  json_object *sample);
/* All of it, in the text format; owned by the caller. */
char *metrics_text (const Metrics *self);
/* Under a temporary name, then renamed. */
gboolean metrics_write (const Metrics *self, const char *file, GError **error);
