/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "agent/report/story.h"

#include <math.h>
#include <string.h>

#include "agent/steering/trace-text.h"
#include "qmp/value.h"

/* Longer than any move; what is beyond is a mistake in the file, and no axis would hold it. */
#define MAX_T_US (366 * G_TIME_SPAN_DAY)

typedef struct {
    Story *story;
    guint line;       /* from 1 on */
    gint64 last_us;   /* of the line before in the record that is read */
    gint64 offset_us; /* what is added to its t_us */
} Reader;

static gboolean G_GNUC_PRINTF (3, 4)
    reader_fail (const Reader *self, GError **error, const char *format, ...)
{
    va_list args;
    g_autofree char *text = NULL;

    va_start (args, format);
    text = g_strdup_vprintf (format, args);
    va_end (args);
    g_set_error (error, G_FILE_ERROR, G_FILE_ERROR_INVAL, "%s:%u: %s", self->story->path,
                 self->line, text);
    return FALSE;
}

/* --- samples --------------------------------------------------------------------------------- */

static gboolean
take_number (const Reader *self, json_object *line, const char *key, double *ret, GError **error)
{
    json_object *value = qmp_peek (line, key);
    double number;

    *ret = NAN;
    if (!value)
        return TRUE;
    number = json_object_get_double (value);
    if (!(json_object_is_type (value, json_type_int) ||
          json_object_is_type (value, json_type_double)) ||
        !isfinite (number) || number < 0)
        return reader_fail (self, error, "%s is no number of 0 or more", key);
    *ret = number;
    return TRUE;
}

static const char *const series_keys[N_SERIES] = {
    [SERIES_REMAINING] = "remaining_bytes",         [SERIES_RATE] = "bandwidth_bytes_per_s",
    [SERIES_DIRTY] = "dirty_bytes_per_s",           [SERIES_THROTTLE] = "throttle_pct",
    [SERIES_IF_STOPPED] = "downtime_if_stopped_us", [SERIES_DOWNTIME_LIMIT] = "downtime_limit_us",
    [SERIES_MAX_DOWNTIME] = "max_downtime_us",
};

/* Once the guest stands still, or runs at the other end, nothing is dirtied any more, and there is
 * no stop to foresee. QEMU goes on to give the last numbers, or 0. */
static void
drop_forecasts (StorySample *sample, gboolean is_over)
{
    if (!sample->stopped && !sample->postcopy && !is_over)
        return;
    sample->values[SERIES_DIRTY] = NAN;
    sample->values[SERIES_IF_STOPPED] = NAN;
    if (sample->postcopy || is_over)
        sample->values[SERIES_DOWNTIME_LIMIT] = sample->values[SERIES_MAX_DOWNTIME] = NAN;
    if (is_over)
        sample->values[SERIES_RATE] = sample->values[SERIES_THROTTLE] = NAN;
}

static gboolean
take_sample (Reader *self, json_object *line, gint64 t_us, GError **error)
{
    StorySample sample = { .t_us = t_us };
    const char *phase = qmp_peek_string (line, "phase", qmp_peek_string (line, "status", ""));

    for (guint i = 0; i < N_SERIES; i++)
        if (!take_number (self, line, series_keys[i], &sample.values[i], error))
            return FALSE;
    /* QEMU leaves the throttle out until there is one; the policy knows what it commanded. */
    if (isnan (sample.values[SERIES_THROTTLE]) &&
        !take_number (self, line, "throttle_commanded_pct", &sample.values[SERIES_THROTTLE], error))
        return FALSE;
    sample.pass = qmp_peek (line, "passes") ? qmp_peek_uint (line, "passes", 0) + 1 : 0;
    sample.postcopy = g_str_has_prefix (phase, "post");
    sample.stopped = !qmp_peek_bool (line, "guest_running", TRUE);
    drop_forecasts (&sample, g_str_equal (phase, "done") || g_str_equal (phase, "completed"));
    g_array_append_val (self->story->samples, sample);
    return TRUE;
}

/* --- lines ----------------------------------------------------------------------------------- */

/* A record that `recover` has added has a clock of its own. */
static void
begin_record (Reader *self, json_object *line)
{
    Story *story = self->story;

    if (!story->header) {
        story->header = json_object_get (line);
        story->observed_only = qmp_peek_bool (line, "observe", FALSE);
        return;
    }
    self->offset_us = story->end_us;
    self->last_us = 0;
    /* The record before has not been the last one. */
    g_clear_pointer (&story->result, json_object_put);
    story_add (story, line, self->offset_us);
}

static gboolean
take_line (Reader *self, json_object *line, const char *type, gint64 t_us, GError **error)
{
    if (!strcmp (type, "sample"))
        return take_sample (self, line, t_us, error);
    if (strcmp (type, "header") != 0)
        story_add (self->story, line, t_us);
    return TRUE;
}

static gboolean
take_time (Reader *self, json_object *line, gint64 *ret_us, GError **error)
{
    double t_us;

    if (!take_number (self, line, "t_us", &t_us, error))
        return FALSE;
    if (isnan (t_us))
        return reader_fail (self, error, "it has no t_us");
    if (t_us > MAX_T_US)
        return reader_fail (self, error, "t_us is more than a year");
    if (t_us < self->last_us)
        return reader_fail (self, error, "t_us falls");
    self->last_us = (gint64)t_us;
    *ret_us = self->last_us + self->offset_us;
    return TRUE;
}

static gboolean
is_beginning (json_object *line, const char *type)
{
    return !strcmp (type, "header") && !strcmp (qmp_peek_string (line, "format", ""), "qmpmig-1");
}

static gboolean
take_object (Reader *self, json_object *line, GError **error)
{
    const char *type = qmp_peek_string (line, "type", NULL);
    gint64 t_us = 0;

    if (!json_object_is_type (line, json_type_object))
        return reader_fail (self, error, "not a JSON object");
    if (!type)
        return reader_fail (self, error, "it has no type");
    if (self->line == 1 && !is_beginning (line, type))
        return reader_fail (self, error, "not a trace: it is no header of qmpmig-1");
    if (!strcmp (type, "header"))
        begin_record (self, line);
    if (!take_time (self, line, &t_us, error) || !take_line (self, line, type, t_us, error))
        return FALSE;
    self->story->end_us = t_us;
    return TRUE;
}

/* TEXT ends with a NUL where its newline was. */
static gboolean
take_text (Reader *self, const char *text, gboolean is_last, GError **error)
{
    g_autoptr (json_object) line = json_tokener_parse (text);

    if (!line && is_last && self->line > 1) {
        self->story->torn = TRUE;
        return TRUE;
    }
    if (!line)
        return reader_fail (self, error, "not JSON");
    return take_object (self, line, error);
}

static gboolean
take_lines (Reader *self, char *text, gsize length, GError **error)
{
    char *end;

    while (length > 0 && (end = memchr (text, '\n', length))) {
        length -= (gsize)(end + 1 - text);
        *end = '\0';
        self->line++;
        if (!take_text (self, text, length == 0, error))
            return FALSE;
        text = end + 1;
    }
    self->story->torn |= length > 0;
    if (!self->story->header) {
        self->line = 1;
        return reader_fail (self, error, "not a trace: it has no whole line");
    }
    return TRUE;
}

Story *
story_read (const char *path, GError **error)
{
    g_autoptr (Story) self = story_new (path);
    /* Before the result is looked for: a writer that ends meanwhile has written it. */
    gboolean is_written = trace_text_is_written (path);
    g_autoptr (GByteArray) text = trace_text_read (path, error);
    Reader reader = { .story = self };

    if (!text || !take_lines (&reader, (char *)text->data, text->len, error))
        return NULL;
    self->state = self->result ? STORY_ENDED : is_written ? STORY_RUNNING : STORY_LEFT;
    story_find_spans (self);
    return g_steal_pointer (&self);
}
