/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "agent/commands/forecast.h"

#include <gio/gio.h>
#include <string.h>

#include "qmp/value.h"

/* The type stands first. Most lines are samples, and not worth to be parsed. */
static gboolean
looks_like (const char *text, const char *quoted_type)
{
    return g_strstr_len (text, 32, quoted_type) != NULL;
}

static gboolean
turns_something (json_object *advice)
{
    static const char *const knobs[] = { "throttle_pct",
                                         "downtime_limit_us",
                                         "bandwidth_bytes_per_s",
                                         "postcopy_bandwidth_bytes_per_s",
                                         "switchover_bandwidth_bytes_per_s",
                                         "xbzrle_cache_bytes",
                                         "dirty_limit_bytes_per_s" };

    for (guint i = 0; i < G_N_ELEMENTS (knobs); i++)
        if (qmp_peek (advice, knobs[i]))
            return TRUE;
    return !g_str_equal (qmp_peek_string (advice, "action", "none"), "none");
}

/* SAMPLE: the text of the last one before it, or NULL. FALSE: this is not what is looked for. */
static gboolean
take_advice (Forecast *self, const char *text, const char *sample)
{
    g_autoptr (json_object) advice = json_tokener_parse (text);
    g_autoptr (json_object) before = sample ? json_tokener_parse (sample) : NULL;
    guint64 remaining_us = qmp_peek_uint (advice, "remaining_us", G_MAXUINT64);
    guint64 elapsed_us = qmp_peek_uint (before, "elapsed_us", G_MAXUINT64);

    if (!turns_something (advice))
        return FALSE;
    self->kind = FORECAST_SILENT;
    if (remaining_us == G_MAXUINT64 || elapsed_us == G_MAXUINT64)
        return FALSE;
    *self = (Forecast){ .kind = FORECAST_MADE,
                        .elapsed_us = elapsed_us,
                        .remaining_us = remaining_us,
                        .blackout_us = qmp_peek_uint (advice, "blackout_us", G_MAXUINT64),
                        .work_lost_us = qmp_peek_uint (advice, "work_lost_us", G_MAXUINT64) };
    return TRUE;
}

gboolean
forecast_read (const char *path, Forecast *ret_forecast, GError **error)
{
    g_autoptr (GFile) file = g_file_new_for_path (path);
    g_autoptr (GFileInputStream) stream = g_file_read (file, NULL, error);
    g_autoptr (GDataInputStream) lines =
        stream ? g_data_input_stream_new (G_INPUT_STREAM (stream)) : NULL;
    g_autoptr (GError) why = NULL;
    g_autofree char *sample = NULL;
    Forecast found = { .kind = FORECAST_IDLE };
    char *text;

    if (!lines)
        return FALSE;
    while (found.kind != FORECAST_MADE &&
           (text = g_data_input_stream_read_line (lines, NULL, NULL, &why))) {
        if (looks_like (text, "\"advice\""))
            take_advice (&found, text, sample);
        if (looks_like (text, "\"sample\"")) {
            g_free (sample);
            sample = g_steal_pointer (&text);
        }
        g_free (text);
    }
    if (why) {
        g_propagate_prefixed_error (error, g_steal_pointer (&why), "%s: ", path);
        return FALSE;
    }
    *ret_forecast = found;
    return TRUE;
}
