/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* What the policy of a migration foresaw when it first wanted something turned, out of its trace.
 */
#pragma once

#include <glib.h>

typedef enum {
    FORECAST_IDLE,   /* it never wanted anything turned */
    FORECAST_SILENT, /* it did, and never said what would come of it */
    FORECAST_MADE,
} ForecastKind;

typedef struct {
    ForecastKind kind;
    guint64 elapsed_us; /* of the migration, when it was made */
    /* G_MAXUINT64: not foreseen */
    guint64 remaining_us; /* from then on */
    guint64 blackout_us;
    guint64 work_lost_us; /* from the migration's start on */
} Forecast;

gboolean forecast_read (const char *path, Forecast *ret_forecast, GError **error);
