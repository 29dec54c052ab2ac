/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "agent/simulate/workload.h"

#include <math.h>
#include <string.h>

#include "agent/comma-list.h"
#include "agent/units.h"

/* Classes of one rate that stand for a Zipf law. */
#define ZIPF_CLASSES 12
#define ZIPF_SKEW    0.9
/* Where writers are in the guest's memory: behind so much of what is never written. */
#define BEFORE 0.25

typedef struct {
    Workload *workload;
    const char *name; /* for errors */
    double zero;      /* share of the memory */
    guint64 memory_bytes;
    GArray *written; /* Area */
} Parser;

static gboolean G_GNUC_PRINTF (3, 4)
    fail (const Parser *self, GError **error, const char *format, ...)
{
    g_autofree char *text = NULL;
    va_list args;

    va_start (args, format);
    text = g_strdup_vprintf (format, args);
    va_end (args);
    g_set_error (error, UNITS_ERROR, 0, "%s: %s", self->name, text);
    return FALSE;
}

/* --- keys ------------------------------------------------------------------------------------ */

static gboolean
take_bursts (const Parser *self, Writer *writer, const char *value, GError **error)
{
    g_auto (GStrv) parts = g_strsplit (value, "/", 2);
    guint64 on, off;

    if (!parts[0] || !parts[1])
        return fail (self, error, "'%s' is not bursts=ON/OFF", value);
    if (!units_parse_time (self->name, parts[0], &on, error) ||
        !units_parse_time (self->name, parts[1], &off, error))
        return FALSE;
    writer->on_us = (double)MAX (on, 1000);
    writer->off_us = (double)MAX (off, 1000);
    return TRUE;
}

static gboolean
take_key (const Parser *self, Writer *writer, double *skew, const char *item, GError **error)
{
    const char *value = strchr (item, '=');
    guint64 number;
    guint pct;

    value = value ? value + 1 : "";
    if (g_str_has_prefix (item, "bursts="))
        return take_bursts (self, writer, value, error);
    if (g_str_has_prefix (item, "phases=")) {
        if (!units_parse_time (self->name, value, &number, error))
            return FALSE;
        writer->phase_us = (double)MAX (number, 1000);
        return TRUE;
    }
    if (g_str_has_prefix (item, "delta=")) {
        if (!units_parse_size (self->name, value, &number, error))
            return FALSE;
        writer->delta_bytes = (double)number;
        return TRUE;
    }
    if (g_str_has_prefix (item, "zero=")) {
        if (!units_parse_percent (self->name, value, &pct, error))
            return FALSE;
        writer->zero = pct / 100.0;
        return TRUE;
    }
    if (skew && g_str_has_prefix (item, "skew=")) {
        *skew = g_ascii_strtod (value, NULL);
        return (*skew > 0 && *skew < 3) || fail (self, error, "skew is a number from 0 to 3");
    }
    return fail (self, error, "'%s' is none of bursts=ON/OFF, phases=TIME, delta=SIZE, zero=PCT%s",
                 item, skew ? ", skew=NUMBER" : "");
}

/* --- shapes ---------------------------------------------------------------------------------- */

static void
add_area (const Parser *self, guint first)
{
    GArray *writers = self->workload->writers;
    Area area = { .first_writer = first, .writers = writers->len - first };

    for (guint i = first; i < writers->len; i++)
        area.pages += g_array_index (writers, Writer, i).pages;
    g_array_append_val (self->written, area);
}

/* Sum of k^-SKEW for k up to N. */
static double
harmonic (double n, double skew)
{
    return fabs (skew - 1) < 1e-6 ? log (n) + 0.5772
                                  : (pow (n + 0.5, 1 - skew) - pow (0.5, 1 - skew)) / (1 - skew);
}

static void
add_zipf (const Parser *self, const Writer *all, double skew)
{
    double done = 0, before = 0, step = pow (all->pages, 1.0 / ZIPF_CLASSES);
    double total = harmonic (all->pages, skew);
    guint first = self->workload->writers->len;

    for (guint i = 1; i <= ZIPF_CLASSES; i++) {
        double to = i == ZIPF_CLASSES ? all->pages : MIN (pow (step, i), all->pages);
        double share = harmonic (to, skew) / total;
        Writer writer = *all;

        writer.pages = to - done;
        writer.pages_per_s = all->pages_per_s * (share - before);
        if (writer.pages > 0)
            g_array_append_val (self->workload->writers, writer);
        done = to;
        before = share;
    }
    add_area (self, first);
}

static void
add_shape (const Parser *self, const char *shape, const Writer *writer, double skew)
{
    if (g_str_equal (shape, "zipf")) {
        add_zipf (self, writer, skew);
        return;
    }
    g_array_append_val (self->workload->writers, *writer);
    add_area (self, self->workload->writers->len - 1);
}

static gboolean
take_size_and_rate (const Parser *self, Writer *writer, const char *text, GError **error)
{
    g_auto (GStrv) parts = g_strsplit (text, "@", 2);
    guint64 size, rate;

    if (!parts[0] || !parts[1])
        return fail (self, error, "'%s' is not SIZE@RATE", text);
    if (!units_parse_size (self->name, parts[0], &size, error) ||
        !units_parse_rate (self->name, parts[1], &rate, error))
        return FALSE;
    if (size < SIM_PAGE || rate == UNITS_UNLIMITED)
        return fail (self, error, "'%s': at least a page, and a rate", text);
    writer->pages = floor ((double)size / SIM_PAGE);
    writer->pages_per_s = (double)rate / SIM_PAGE;
    return TRUE;
}

static gboolean
take_shape (const Parser *self, const char *shape, const char *rest, GError **error)
{
    g_auto (GStrv) items = comma_list_split (rest);
    gboolean sweeps = g_str_equal (shape, "sweep") || g_str_equal (shape, "io");
    Writer writer = { .kind = sweeps ? WRITER_SWEEP : WRITER_RANDOM,
                      .is_io = g_str_equal (shape, "io"),
                      .delta_bytes = 2 * SIM_PAGE };
    double skew = ZIPF_SKEW;

    if (!take_size_and_rate (self, &writer, items[0] ? items[0] : "", error))
        return FALSE;
    for (char **item = items + 1; items[0] && *item; item++)
        if (!take_key (self, &writer, g_str_equal (shape, "zipf") ? &skew : NULL, *item, error))
            return FALSE;
    add_shape (self, shape, &writer, skew);
    return TRUE;
}

static gboolean
take_busy (const Parser *self, const char *text, GError **error)
{
    guint pct;

    if (!units_parse_percent (self->name, text, &pct, error))
        return FALSE;
    self->workload->busy = MAX (pct, 1) / 100.0;
    return TRUE;
}

/* A share, or so much. */
static gboolean
take_zero (Parser *self, const char *text, GError **error)
{
    guint64 bytes;
    guint pct;

    if (g_str_has_suffix (text, "%")) {
        if (!units_parse_percent (self->name, text, &pct, error))
            return FALSE;
        self->zero = pct / 100.0;
        return TRUE;
    }
    if (!units_parse_size (self->name, text, &bytes, error))
        return FALSE;
    self->zero = MIN ((double)bytes / (double)self->memory_bytes, 1);
    return TRUE;
}

static gboolean
take_term (Parser *self, const char *term, GError **error)
{
    static const char *const shapes[] = { "hot", "zipf", "sweep", "io", NULL };
    g_auto (GStrv) parts = g_strsplit (term, ":", 2);
    const char *shape = parts[0] ? parts[0] : "", *rest = parts[0] && parts[1] ? parts[1] : "";

    if (g_str_equal (term, "idle"))
        return TRUE;
    if (g_strv_contains (shapes, shape))
        return take_shape (self, shape, rest, error);
    if (g_str_equal (shape, "zero"))
        return take_zero (self, rest, error);
    if (g_str_equal (shape, "busy"))
        return take_busy (self, rest, error);
    return fail (self, error, "'%s' is none of hot, zipf, sweep, io, zero, busy, idle", shape);
}

/* --- all ------------------------------------------------------------------------------------- */

static gboolean
lay_out (Parser *self, guint64 memory_bytes, GError **error)
{
    GArray *areas = self->workload->areas;
    double pages = floor ((double)memory_bytes / SIM_PAGE), idle = pages;
    Area area = { .zero = 0 };

    for (guint i = 0; i < self->written->len; i++)
        idle -= g_array_index (self->written, Area, i).pages;
    if (idle < 0)
        return fail (self, error, "more is written to than the guest has memory");
    area.zero = idle > 0 ? MIN (self->zero * pages / idle, 1) : 0;
    area.pages = idle * BEFORE;
    if (area.pages > 0)
        g_array_append_val (areas, area);
    g_array_append_vals (areas, self->written->data, self->written->len);
    area.pages = idle * (1 - BEFORE);
    if (area.pages > 0)
        g_array_append_val (areas, area);
    return TRUE;
}

gboolean
workload_parse (Workload *self, const char *name, const char *text, guint64 memory_bytes,
                GError **error)
{
    g_auto (GStrv) terms = g_strsplit (text, "+", -1);
    g_autoptr (GArray) written = g_array_new (FALSE, FALSE, sizeof (Area));
    Parser parser = {
        .workload = self, .name = name, .memory_bytes = memory_bytes, .written = written
    };

    *self = (Workload){ .writers = g_array_new (FALSE, FALSE, sizeof (Writer)),
                        .areas = g_array_new (FALSE, FALSE, sizeof (Area)),
                        .busy = 1 };
    for (char **term = terms; *term; term++)
        if (!take_term (&parser, *term, error)) {
            workload_clear (self);
            return FALSE;
        }
    if (lay_out (&parser, memory_bytes, error))
        return TRUE;
    workload_clear (self);
    return FALSE;
}

void
workload_clear (Workload *self)
{
    g_clear_pointer (&self->writers, g_array_unref);
    g_clear_pointer (&self->areas, g_array_unref);
}

double
workload_curve (const Workload *self, double us)
{
    double pages = 0;

    for (guint i = 0; i < self->writers->len; i++) {
        const Writer *w = &g_array_index (self->writers, Writer, i);
        double written = w->pages_per_s * us / G_USEC_PER_SEC;

        pages += writer_reached (w, written);
    }
    return pages * SIM_PAGE;
}
