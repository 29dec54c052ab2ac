/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "agent/service/metrics.h"

#include "qmp/value.h"

#define BUCKETS 10

typedef struct {
    const char *name, *help, *field;
    double bounds[BUCKETS]; /* s */
    guint64 counts[BUCKETS];
    guint64 count;
    double sum;
} Histogram;

typedef struct {
    char *vm, *uuid;
    double remaining, throttle, forecast; /* below 0: not known */
    gboolean stuck;
} Running;

struct Metrics {
    GHashTable *outcomes; /* {name: guint64 *} */
    GHashTable *running;  /* {id: Running} */
    Histogram histograms[3];
};

static const Histogram templates[] = {
    { .name = "qmpmig_blackout_seconds",
      .help = "Time for which the guest stood still at the handover.",
      .field = "blackout_us",
      .bounds = { 0.01, 0.03, 0.1, 0.2, 0.3, 0.5, 1, 2, 5, 10 } },
    { .name = "qmpmig_duration_seconds",
      .help = "Time that a migration took.",
      .field = "total_us",
      .bounds = { 1, 5, 10, 30, 60, 120, 300, 600, 1800, 3600 } },
    { .name = "qmpmig_work_lost_seconds",
      .help = "Guest time lost to the throttle and the handover.",
      .field = "work_lost_us",
      .bounds = { 0.1, 0.3, 1, 2, 5, 10, 30, 60, 120, 300 } },
};

static void
running_free (gpointer data)
{
    Running *self = data;

    g_free (self->vm);
    g_free (self->uuid);
    g_free (self);
}

Metrics *
metrics_new (void)
{
    Metrics *self = g_new0 (Metrics, 1);

    self->outcomes = g_hash_table_new_full (g_str_hash, g_str_equal, g_free, g_free);
    self->running = g_hash_table_new_full (g_str_hash, g_str_equal, g_free, running_free);
    for (guint i = 0; i < G_N_ELEMENTS (templates); i++)
        self->histograms[i] = templates[i];
    return self;
}

void
metrics_free (Metrics *self)
{
    if (!self)
        return;
    g_hash_table_unref (self->outcomes);
    g_hash_table_unref (self->running);
    g_free (self);
}

/* -- Taking -- */

static void
observe (Histogram *self, json_object *result)
{
    guint64 us = qmp_peek_uint (result, self->field, G_MAXUINT64);

    if (us == G_MAXUINT64)
        return;
    self->count++;
    self->sum += (double)us / G_USEC_PER_SEC;
    for (guint i = 0; i < BUCKETS; i++)
        if ((double)us / G_USEC_PER_SEC <= self->bounds[i])
            self->counts[i]++;
}

static void
count_outcome (Metrics *self, const char *outcome)
{
    guint64 *count = g_hash_table_lookup (self->outcomes, outcome);

    if (!count) {
        count = g_new0 (guint64, 1);
        g_hash_table_insert (self->outcomes, g_strdup (outcome), count);
    }
    ++*count;
}

void
metrics_count (Metrics *self, const char *id, json_object *result)
{
    count_outcome (self, qmp_peek_string (result, "outcome", "unknown"));
    for (guint i = 0; i < G_N_ELEMENTS (self->histograms); i++)
        observe (&self->histograms[i], result);
    if (id)
        g_hash_table_remove (self->running, id);
}

static double
number (json_object *sample, const char *field, double unit)
{
    guint64 value = qmp_peek_uint (sample, field, G_MAXUINT64);

    return value == G_MAXUINT64 ? -1 : (double)value / unit;
}

static gboolean
is_stuck (json_object *sample)
{
    const char *verdict = qmp_peek_string (sample, "verdict", "");

    return g_str_has_prefix (verdict, "cannot");
}

void
metrics_see (Metrics *self, const char *id, const char *vm, const char *uuid, json_object *sample)
{
    Running *running = g_hash_table_lookup (self->running, id);

    if (!running) {
        running = g_new0 (Running, 1);
        running->vm = g_strdup (vm);
        running->uuid = g_strdup (uuid);
        g_hash_table_insert (self->running, g_strdup (id), running);
    }
    running->remaining = number (sample, "remaining_bytes", 1);
    running->throttle = number (sample, "throttle_pct", 100);
    running->forecast = number (sample, "remaining_us", G_USEC_PER_SEC);
    running->stuck = is_stuck (sample);
}

/* -- Telling -- */

/* Backslash, quote and newline are what the format escapes. */
static char *
label (const char *text)
{
    GString *escaped = g_string_new (NULL);
    g_autofree char *valid = g_utf8_make_valid (text, -1);

    for (const char *p = valid; *p; p++) {
        if (*p == '\n') {
            g_string_append (escaped, "\\n");
            continue;
        }
        if (*p == '\\' || *p == '"')
            g_string_append_c (escaped, '\\');
        g_string_append_c (escaped, *p);
    }
    return g_string_free (escaped, FALSE);
}

static const char *
format (double value, char *buffer)
{
    return g_ascii_formatd (buffer, G_ASCII_DTOSTR_BUF_SIZE, "%.15g", value);
}

static void
add_head (GString *text, const char *name, const char *type, const char *help)
{
    g_string_append_printf (text, "# HELP %s %s\n# TYPE %s %s\n", name, help, name, type);
}

static void
add_outcomes (const Metrics *self, GString *text)
{
    GHashTableIter iter;
    gpointer name, count;

    add_head (text, "qmpmig_migrations_total", "counter", "Migrations that have ended.");
    g_hash_table_iter_init (&iter, self->outcomes);
    while (g_hash_table_iter_next (&iter, &name, &count))
        g_string_append_printf (text,
                                "qmpmig_migrations_total{outcome=\"%s\"} %" G_GUINT64_FORMAT "\n",
                                (char *)name, *(guint64 *)count);
}

static void
add_histogram (const Histogram *self, GString *text)
{
    char buffer[G_ASCII_DTOSTR_BUF_SIZE];

    add_head (text, self->name, "histogram", self->help);
    for (guint i = 0; i < BUCKETS; i++)
        g_string_append_printf (text, "%s_bucket{le=\"%s\"} %" G_GUINT64_FORMAT "\n", self->name,
                                format (self->bounds[i], buffer), self->counts[i]);
    g_string_append_printf (text, "%s_bucket{le=\"+Inf\"} %" G_GUINT64_FORMAT "\n", self->name,
                            self->count);
    g_string_append_printf (text, "%s_sum %s\n%s_count %" G_GUINT64_FORMAT "\n", self->name,
                            format (self->sum, buffer), self->name, self->count);
}

static const struct {
    const char *name, *help;
    gsize offset;
} gauges[] = {
    { "qmpmig_remaining_bytes", "Memory that is still to be sent.",
      G_STRUCT_OFFSET (Running, remaining) },
    { "qmpmig_throttle_ratio", "Part of its time that the guest's CPUs are held.",
      G_STRUCT_OFFSET (Running, throttle) },
    { "qmpmig_forecast_seconds", "Time until the guest runs at the destination.",
      G_STRUCT_OFFSET (Running, forecast) },
};

static void
add_gauge (const Metrics *self, GString *text, const char *name, const char *help, gsize offset)
{
    char buffer[G_ASCII_DTOSTR_BUF_SIZE];
    GHashTableIter iter;
    gpointer running;

    add_head (text, name, "gauge", help);
    g_hash_table_iter_init (&iter, self->running);
    while (g_hash_table_iter_next (&iter, NULL, &running)) {
        const Running *one = running;
        g_autofree char *vm = label (one->vm);
        g_autofree char *uuid = label (one->uuid);
        double value = offset ? G_STRUCT_MEMBER (double, one, offset) : one->stuck;

        if (value >= 0)
            g_string_append_printf (text, "%s{vm=\"%s\",uuid=\"%s\"} %s\n", name, vm, uuid,
                                    format (value, buffer));
    }
}

char *
metrics_text (const Metrics *self)
{
    GString *text = g_string_new (NULL);

    add_outcomes (self, text);
    for (guint i = 0; i < G_N_ELEMENTS (self->histograms); i++)
        add_histogram (&self->histograms[i], text);
    for (guint i = 0; i < G_N_ELEMENTS (gauges); i++)
        add_gauge (self, text, gauges[i].name, gauges[i].help, gauges[i].offset);
    add_gauge (self, text, "qmpmig_stuck", "1: nothing permitted can end the migration.", 0);
    return g_string_free (text, FALSE);
}

gboolean
metrics_write (const Metrics *self, const char *file, GError **error)
{
    g_autofree char *text = metrics_text (self);

    return g_file_set_contents_full (file, text, -1, G_FILE_SET_CONTENTS_CONSISTENT, 0644, error);
}
