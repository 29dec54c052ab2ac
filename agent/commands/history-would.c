/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "agent/commands/history-would.h"

#include "agent/commands/forecast.h"
#include "qmp/value.h"

/* What is compared; each may be unknown for some. */
enum { TOTAL, BLACKOUT, WORK_LOST, QUANTITIES };

static const char *const names[QUANTITIES] = { "total", "blackout", "work_lost" };

struct Would {
    guint observed; /* the sum of those that follow */
    guint compared, idle, silent, not_moved, unfinished;
    guint steered;
    GArray *saved[QUANTITIES];  /* double, us */
    GArray *ratios[QUANTITIES]; /* double: what came by what had been foreseen */
};

Would *
would_new (void)
{
    Would *self = g_new0 (Would, 1);

    for (guint i = 0; i < QUANTITIES; i++) {
        self->saved[i] = g_array_new (FALSE, FALSE, sizeof (double));
        self->ratios[i] = g_array_new (FALSE, FALSE, sizeof (double));
    }
    return self;
}

void
would_free (Would *self)
{
    if (!self)
        return;
    for (guint i = 0; i < QUANTITIES; i++) {
        g_array_unref (self->saved[i]);
        g_array_unref (self->ratios[i]);
    }
    g_free (self);
}

/* -- One migration -- */

/* Both as from the moment of the forecast for the time, and for all of it else; unknown: FALSE. */
static gboolean
compare (const Forecast *forecast, json_object *result, guint quantity, double *ret_came,
         double *ret_foreseen)
{
    guint64 total = qmp_peek_uint (result, "total_us", G_MAXUINT64);
    guint64 blackout = qmp_peek_uint (result, "blackout_us", G_MAXUINT64);
    guint64 throttled = qmp_peek_uint (result, "throttle_integral_us", G_MAXUINT64);
    guint64 came[QUANTITIES] = { total, blackout, G_MAXUINT64 };
    guint64 foreseen[QUANTITIES] = { forecast->remaining_us, forecast->blackout_us,
                                     forecast->work_lost_us };

    if (total != G_MAXUINT64)
        came[TOTAL] = total > forecast->elapsed_us ? total - forecast->elapsed_us : 0;
    if (blackout != G_MAXUINT64 && throttled != G_MAXUINT64)
        came[WORK_LOST] = blackout + throttled;
    if (came[quantity] == G_MAXUINT64 || foreseen[quantity] == G_MAXUINT64)
        return FALSE;
    *ret_came = (double)came[quantity];
    *ret_foreseen = (double)foreseen[quantity];
    return TRUE;
}

static void
add_saved (Would *self, const Forecast *forecast, json_object *result)
{
    for (guint i = 0; i < QUANTITIES; i++) {
        double came, foreseen, saved;

        if (!compare (forecast, result, i, &came, &foreseen))
            continue;
        saved = came - foreseen;
        g_array_append_val (self->saved[i], saved);
    }
}

static void
add_ratios (Would *self, const Forecast *forecast, json_object *result)
{
    for (guint i = 0; i < QUANTITIES; i++) {
        double came, foreseen, ratio;

        if (!compare (forecast, result, i, &came, &foreseen) || foreseen <= 0)
            continue;
        ratio = came / foreseen;
        g_array_append_val (self->ratios[i], ratio);
    }
}

static gboolean
has_moved (const TraceFile *file)
{
    static const char *const moved[] = { "completed", "handed-over", NULL };

    return g_strv_contains (moved, qmp_peek_string (file->result, "outcome", ""));
}

static void
take_observed (Would *self, const TraceFile *file, const Forecast *forecast)
{
    self->observed++;
    if (file->state != TRACE_ENDED) {
        self->unfinished++;
    } else if (!has_moved (file)) {
        self->not_moved++;
    } else if (forecast->kind == FORECAST_IDLE) {
        self->idle++;
    } else if (forecast->kind == FORECAST_SILENT) {
        self->silent++;
    } else {
        self->compared++;
        add_saved (self, forecast, file->result);
    }
}

static gboolean
is_steered (json_object *header)
{
    static const char *const roles[] = { "migrate", "steer", NULL };

    return g_strv_contains (roles, qmp_peek_string (header, "role", ""));
}

gboolean
would_take (Would *self, const char *path, const TraceFile *file, GError **error)
{
    gboolean observed = qmp_peek_bool (file->header, "observe", FALSE);
    Forecast forecast;

    if (!observed && (!is_steered (file->header) || !has_moved (file)))
        return TRUE;
    if (!forecast_read (path, &forecast, error))
        return FALSE;
    if (observed) {
        take_observed (self, file, &forecast);
    } else if (forecast.kind == FORECAST_MADE) {
        self->steered++;
        add_ratios (self, &forecast, file->result);
    }
    return TRUE;
}

/* -- All of them -- */

static int
compare_numbers (gconstpointer a, gconstpointer b)
{
    double one = *(const double *)a, other = *(const double *)b;

    return (one > other) - (one < other);
}

/* Between the two that are nearest. */
static double
quantile (const GArray *sorted, double share)
{
    double at = share * (sorted->len - 1);
    guint below = (guint)at;
    guint above = MIN (below + 1, sorted->len - 1);
    double low = g_array_index (sorted, double, below);

    return low + (at - below) * (g_array_index (sorted, double, above) - low);
}

static json_object *
whole (double number)
{
    return json_object_new_int64 ((gint64)number);
}

static json_object *
exact (double number)
{
    return json_object_new_double (number);
}

static json_object *
spread (GArray *values, json_object *(*number) (double))
{
    if (!values->len)
        return qmp_object ("count", json_object_new_int (0), NULL);
    g_array_sort (values, compare_numbers);
    return qmp_object ("count", json_object_new_uint64 (values->len), "median",
                       number (quantile (values, 0.5)), "low", number (quantile (values, 0.25)),
                       "high", number (quantile (values, 0.75)), NULL);
}

static double
sum_of (const GArray *values)
{
    double sum = 0;

    for (guint i = 0; i < values->len; i++)
        sum += g_array_index (values, double, i);
    return sum;
}

json_object *
would_to_json (const Would *self)
{
    json_object *saved = json_object_new_object ();
    json_object *checked = qmp_object ("migrations", json_object_new_uint64 (self->steered), NULL);

    for (guint i = 0; i < QUANTITIES; i++) {
        json_object *of_one = spread (self->saved[i], whole);

        json_object_object_add (of_one, "sum", whole (sum_of (self->saved[i])));
        json_object_object_add (saved, names[i], of_one);
        json_object_object_add (checked, names[i], spread (self->ratios[i], exact));
    }
    return qmp_object (
        "observed", json_object_new_uint64 (self->observed), "compared",
        json_object_new_uint64 (self->compared), "left_alone", json_object_new_uint64 (self->idle),
        "without_forecast", json_object_new_uint64 (self->silent), "not_moved",
        json_object_new_uint64 (self->not_moved), "unfinished",
        json_object_new_uint64 (self->unfinished), "saved", saved, "checked", checked, NULL);
}
