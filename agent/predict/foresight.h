/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* From a guest that runs to a `prediction` line: measured, moved in the simulator, put into JSON.
 */
#pragma once

#include "agent/predict/prediction.h"

typedef struct {
    QmpClient *client;
    const char *vm; /* its name, for errors */
    MigrateOptions *options;
    MeasurementWait wait;
    gpointer data;
    gboolean helps; /* looks for what would help where the answer is no, or slow */
} Foresight;

/* What OPTIONS lack for it. */
gboolean foresight_check (const MigrateOptions *options, GError **error);
/* The keys of a `prediction` line of docs/json.md, but for those of every line. */
json_object *foresight_take (const Foresight *self, GError **error);
/* What the result repeats of such a line: the verdict, and the times that are expected. */
json_object *foresight_brief (json_object *prediction);
