/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include <string.h>

#include "agent/units.h"

/* Three significant digits, without zeros after the point: 1.25, 48.2, 347, 1020. */
static char *
format_number (double value)
{
    char text[G_ASCII_DTOSTR_BUF_SIZE];
    const char *format = value >= 99.95 ? "%.0f" : value >= 9.995 ? "%.1f" : "%.2f";
    char *end;

    g_ascii_formatd (text, sizeof text, format, value);
    end = text + strlen (text);
    while (strchr (text, '.') && (end[-1] == '0' || end[-1] == '.')) {
        gboolean is_point = end[-1] == '.';

        *--end = '\0';
        if (is_point)
            break;
    }
    return g_strdup (text);
}

/* Past a minute the eye wants whole seconds, past an hour whole minutes. */
static char *
format_long_time (guint64 seconds)
{
    if (seconds < 3600)
        return g_strdup_printf ("%u min %02u s", (guint)(seconds / 60), (guint)(seconds % 60));
    seconds += 30;
    return g_strdup_printf ("%" G_GUINT64_FORMAT " h %02u min", seconds / 3600,
                            (guint)(seconds / 60 % 60));
}

char *
units_format_time (guint64 us)
{
    double value = (double)us;
    const char *unit = "us";
    g_autofree char *number = NULL;

    if (us >= 59950000)
        return format_long_time ((us + 500000) / 1000000);
    if (us >= 999500) {
        value /= 1e6;
        unit = "s";
    } else if (us >= 1000) {
        value /= 1e3;
        unit = "ms";
    }
    number = format_number (value);
    return g_strdup_printf ("%s %s", number, unit);
}

char *
units_format_size (guint64 bytes)
{
    static const char *const names[] = { "B", "KiB", "MiB", "GiB", "TiB" };
    double value = (double)bytes;
    guint i = 0;
    g_autofree char *number = NULL;

    while (value >= 1023.5 && i + 1 < G_N_ELEMENTS (names)) {
        value /= 1024;
        i++;
    }
    number = format_number (value);
    return g_strdup_printf ("%s %s", number, names[i]);
}

char *
units_format_rate (guint64 bytes_per_s)
{
    g_autofree char *size = NULL;

    if (bytes_per_s == UNITS_UNLIMITED)
        return g_strdup ("unlimited");
    size = units_format_size (bytes_per_s);
    return g_strdup_printf ("%s/s", size);
}
