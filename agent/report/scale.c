/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "agent/report/scale.h"

#include <math.h>

#include "agent/units.h"

double
scale_at (const Scale *self, double value)
{
    double v = CLAMP (value, self->min, self->max);
    double part = self->is_log ? log (v / self->min) / log (self->max / self->min)
                               : (v - self->min) / (self->max - self->min);

    return self->from + part * (self->to - self->from);
}

/* The smallest of 1, 2, 5, 10... times UNIT that is no less than WANTED. */
static double
round_step (double wanted, double unit)
{
    double ten = pow (10, floor (log10 (wanted / unit)));

    for (guint i = 0; i < 3; i++) {
        static const double steps[] = { 1, 2, 5 };

        if (steps[i] * ten * unit >= wanted * 0.999)
            return steps[i] * ten * unit;
    }
    return 10 * ten * unit;
}

static double
time_step (double wanted_us)
{
    static const double seconds[] = { 1,   2,   5,    10,   15,   30,    60,    120,   300,
                                      600, 900, 1800, 3600, 7200, 14400, 21600, 43200, 86400 };

    if (wanted_us < 1e6)
        return round_step (wanted_us, 1);
    for (guint i = 0; i < G_N_ELEMENTS (seconds); i++)
        if (seconds[i] * 1e6 >= wanted_us * 0.999)
            return seconds[i] * 1e6;
    return round_step (wanted_us, 86400e6);
}

static double
size_unit (double value)
{
    double unit = 1;

    while (value >= 1024 * unit && unit < 1024.0 * 1024 * 1024 * 1024)
        unit *= 1024;
    return unit;
}

static double
linear_step (const Scale *self, double gap)
{
    double wanted = (self->max - self->min) * gap / fabs (self->to - self->from);

    switch (self->unit) {
    case UNIT_TIME:
        return time_step (wanted);
    case UNIT_SIZE:
    case UNIT_RATE:
        return MAX (round_step (wanted, size_unit (self->max)), 1);
    case UNIT_PCT:
        return wanted > 25 ? 50 : 25;
    }
    return wanted;
}

/* The next round value of a logarithmic scale: ten times, but 1024 and not 1000. */
static double
next_power (Unit unit, double value)
{
    double within = unit == UNIT_TIME ? 1 : value / size_unit (value);

    return unit != UNIT_TIME && within > 99 ? value / within * 1024 : value * 10;
}

static GArray *
log_ticks (const Scale *self, double gap)
{
    GArray *ticks = g_array_new (FALSE, FALSE, sizeof (double));
    double last = -HUGE_VAL;

    for (double value = 1; value <= self->max * 1.001; value = next_power (self->unit, value)) {
        double at = scale_at (self, value);

        if (value < self->min * 0.999 || fabs (at - last) < gap)
            continue;
        g_array_append_val (ticks, value);
        last = at;
    }
    return ticks;
}

GArray *
scale_ticks (const Scale *self, double gap)
{
    GArray *ticks;
    double step;

    if (self->is_log)
        return log_ticks (self, gap);
    ticks = g_array_new (FALSE, FALSE, sizeof (double));
    step = linear_step (self, gap);
    for (double value = ceil (self->min / step) * step; value <= self->max * 1.001; value += step)
        g_array_append_val (ticks, value);
    return ticks;
}

/* "5 min" and not "5 min 00 s", where all ticks are whole minutes. */
static char *
time_label (const Scale *self, double us)
{
    guint64 seconds = (guint64)llround (us / 1e6);

    if (us == 0)
        return g_strdup ("0");
    if (seconds >= 3600 && seconds % 3600 == 0)
        return g_strdup_printf ("%" G_GUINT64_FORMAT " h", seconds / 3600);
    if (self->is_log && seconds >= 60)
        return g_strdup_printf ("%" G_GUINT64_FORMAT " s", seconds);
    if (seconds >= 60 && seconds % 60 == 0 && seconds < 3600)
        return g_strdup_printf ("%" G_GUINT64_FORMAT " min", seconds / 60);
    return units_format_time ((guint64)llround (us));
}

char *
scale_label (const Scale *self, double value)
{
    switch (self->unit) {
    case UNIT_TIME:
        return time_label (self, value);
    case UNIT_SIZE:
        return value == 0 ? g_strdup ("0") : units_format_size ((guint64)llround (value));
    case UNIT_RATE:
        return value == 0 ? g_strdup ("0") : units_format_rate ((guint64)llround (value));
    case UNIT_PCT:
        return g_strdup_printf ("%.0f %%", value);
    }
    return NULL;
}
