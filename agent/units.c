/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "agent/units.h"

#include <math.h>
#include <string.h>

G_DEFINE_QUARK (units - error - quark, units_error)

typedef struct {
    const char *name;
    double factor; /* base units in one of these */
} Unit;

static const Unit time_units[] = {
    { "us", 1 }, { "ms", 1e3 }, { "s", 1e6 }, { "min", 60e6 }, { "h", 3600e6 }, { NULL, 0 },
};

static const Unit size_units[] = {
    { "B", 1 },    { "KiB", 0x1p10 }, { "MiB", 0x1p20 }, { "GiB", 0x1p30 }, { "TiB", 0x1p40 },
    { "kB", 1e3 }, { "MB", 1e6 },     { "GB", 1e9 },     { "TB", 1e12 },    { NULL, 0 },
};

static const Unit rate_units[] = {
    { "B/s", 1 },        { "KiB/s", 0x1p10 },   { "MiB/s", 0x1p20 },   { "GiB/s", 0x1p30 },
    { "TiB/s", 0x1p40 }, { "kB/s", 1e3 },       { "MB/s", 1e6 },       { "GB/s", 1e9 },
    { "TB/s", 1e12 },    { "kbit/s", 1e3 / 8 }, { "Mbit/s", 1e6 / 8 }, { "Gbit/s", 1e9 / 8 },
    { NULL, 0 },
};

static gboolean G_GNUC_PRINTF (3, 4)
    units_fail (GError **error, const char *name, const char *format, ...)
{
    va_list args;
    g_autofree char *text = NULL;

    va_start (args, format);
    text = g_strdup_vprintf (format, args);
    va_end (args);
    g_set_error (error, UNITS_ERROR, 0, "%s: %s", name, text);
    return FALSE;
}

static const Unit *
find_unit (const Unit *units, const char *name)
{
    for (; units->name; units++)
        if (!strcmp (units->name, name))
            return units;
    return NULL;
}

static const char *
skip_spaces (const char *text)
{
    while (g_ascii_isspace (*text))
        text++;
    return text;
}

/* Plain digits with at most one point: strtod alone would also take "nan", "1e9" and "0x1p4". */
static gboolean
parse_number (const char *name, const char *text, double *ret_number, const char **ret_rest,
              GError **error)
{
    size_t length = strspn (text, "0123456789.");
    g_autofree char *digits = g_strndup (text, length);
    char *end;
    double number;

    if (text[0] == '-')
        return units_fail (error, name, "%s is negative", text);
    number = g_ascii_strtod (digits, &end);
    if (end == digits || *end)
        return units_fail (error, name, "'%s' is not a number", text);
    *ret_number = number;
    *ret_rest = text + length;
    return TRUE;
}

/* UNITS_UNLIMITED and what a signed 64-bit number cannot hold are out of reach on purpose. */
static gboolean
to_base (const char *name, const char *text, double value, guint64 *ret_value, GError **error)
{
    if (!(value < 0x1p63))
        return units_fail (error, name, "%s is too large", text);
    if (value > 0 && value < 0.5)
        return units_fail (error, name, "%s is too small", text);
    *ret_value = (guint64)(value + 0.5);
    return TRUE;
}

/* The word of letters (and /) that follows a number. */
static char *
take_word (const char **rest)
{
    const char *start = skip_spaces (*rest);
    const char *end = start;

    while (*end && !g_ascii_isspace (*end) && !g_ascii_isdigit (*end))
        end++;
    *rest = end;
    return g_strndup (start, end - start);
}

/* --- time ------------------------------------------------------------------------------------ */

static gboolean
fail_time_unit (const char *name, const char *text, double number, const char *unit, GError **error)
{
    char digits[G_ASCII_DTOSTR_BUF_SIZE];

    g_ascii_formatd (digits, sizeof digits, "%.15g", number);
    if (!unit[0])
        return units_fail (error, name, "%s has no unit: write %sms or %ss", text, digits, digits);
    if (!g_ascii_strcasecmp (unit, "m"))
        return units_fail (error, name, "%s is ambiguous: write %smin or %sms", text, digits,
                           digits);
    return units_fail (error, name, "%s has an unknown unit '%s': use us, ms, s, min or h", text,
                       unit);
}

/* One number, or several from the largest unit down, as we print them: "2 min 05 s". */
gboolean
units_parse_time (const char *name, const char *text, guint64 *ret_us, GError **error)
{
    const char *rest = skip_spaces (text);
    double total = 0, last_factor = INFINITY;

    do {
        double number;
        const Unit *unit;
        g_autofree char *word = NULL;

        if (!parse_number (name, rest, &number, &rest, error))
            return FALSE;
        word = take_word (&rest);
        unit = find_unit (time_units, word);
        if (!unit)
            return fail_time_unit (name, text, number, word, error);
        if (unit->factor >= last_factor)
            return units_fail (error, name, "%s is not from the largest unit down", text);
        last_factor = unit->factor;
        total += number * unit->factor;
        rest = skip_spaces (rest);
    } while (*rest);
    return to_base (name, text, total, ret_us, error);
}

/* --- size and rate --------------------------------------------------------------------------- */

/* The power of 1024 (or 1000) that a prefix stands for; 0 if UNIT does not begin with one. */
static int
prefix_power (const char *unit)
{
    const char *prefixes = "kmgt";
    const char *at = unit[0] ? strchr (prefixes, g_ascii_tolower (unit[0])) : NULL;

    return at ? (int)(at - prefixes) + 1 : 0;
}

/* "M", "mb", "Mbps", "MiB" where a rate is due: a prefix is all that is certain. */
static gboolean
is_guessable (const char *unit)
{
    static const char *const tails[] = { "",     "b",     "ib", "bit",  "bps",    "/s",   "b/s",
                                         "ib/s", "bit/s", "ps", "bits", "bits/s", "ibps", NULL };

    for (int i = 0; prefix_power (unit) && tails[i]; i++)
        if (!g_ascii_strcasecmp (unit + 1, tails[i]))
            return TRUE;
    return FALSE;
}

static gboolean
fail_ambiguous_size (const char *name, const char *text, double number, const char *unit,
                     GError **error)
{
    char digits[G_ASCII_DTOSTR_BUF_SIZE];
    char binary = g_ascii_toupper (unit[0]);
    char decimal = binary == 'K' ? 'k' : binary;
    int power = prefix_power (unit);

    g_ascii_formatd (digits, sizeof digits, "%.15g", number);
    return units_fail (error, name, "%s is ambiguous: write %s%ciB (%.0f B) or %s%cB (%.0f B)",
                       text, digits, binary, number * pow (1024, power), digits, decimal,
                       number * pow (1000, power));
}

static gboolean
fail_ambiguous_rate (const char *name, const char *text, double number, const char *unit,
                     GError **error)
{
    char digits[G_ASCII_DTOSTR_BUF_SIZE];
    char binary = g_ascii_toupper (unit[0]);
    char decimal = binary == 'K' ? 'k' : binary;
    int power = prefix_power (unit);

    g_ascii_formatd (digits, sizeof digits, "%.15g", number);
    if (binary == 'T') /* no Tbit/s among our units */
        return units_fail (error, name,
                           "%s is ambiguous: write %sTiB/s (%.0f B/s) or %sTB/s "
                           "(%.0f B/s)",
                           text, digits, number * 0x1p40, digits, number * 1e12);
    return units_fail (error, name,
                       "%s is ambiguous: write %s%ciB/s (%.0f B/s) or %s%cbit/s (%.0f B/s)", text,
                       digits, binary, number * pow (1024, power), digits, decimal,
                       number * pow (1000, power) / 8);
}

static gboolean
fail_size_unit (const char *name, const char *text, double number, const char *unit, GError **error)
{
    char digits[G_ASCII_DTOSTR_BUF_SIZE];

    g_ascii_formatd (digits, sizeof digits, "%.15g", number);
    if (!unit[0])
        return units_fail (error, name, "%s has no unit: write %sMiB or %sMB", text, digits,
                           digits);
    if (is_guessable (unit))
        return fail_ambiguous_size (name, text, number, unit, error);
    return units_fail (error, name,
                       "%s has an unknown unit '%s': use KiB, MiB, GiB, TiB (1024), kB, MB, GB, TB "
                       "(1000) or B",
                       text, unit);
}

static gboolean
fail_rate_unit (const char *name, const char *text, double number, const char *unit, GError **error)
{
    char digits[G_ASCII_DTOSTR_BUF_SIZE];

    g_ascii_formatd (digits, sizeof digits, "%.15g", number);
    if (!unit[0])
        return units_fail (error, name, "%s has no unit: write %sMiB/s or %sMbit/s", text, digits,
                           digits);
    if (find_unit (size_units, unit))
        return units_fail (error, name, "%s is a size: write %s%s/s", text, digits, unit);
    if (is_guessable (unit))
        return fail_ambiguous_rate (name, text, number, unit, error);
    return units_fail (error, name,
                       "%s has an unknown unit '%s': use kbit/s, Mbit/s, Gbit/s, or a size such as "
                       "MiB followed by /s",
                       text, unit);
}

/* A number, a unit, and nothing more. *ret_unit is NULL where UNITS has no such word. */
static gboolean
parse_quantity (const char *name, const char *text, const Unit *units, double *ret_number,
                char **ret_word, const Unit **ret_unit, GError **error)
{
    const char *rest;
    g_autofree char *word = NULL;

    if (!parse_number (name, skip_spaces (text), ret_number, &rest, error))
        return FALSE;
    word = take_word (&rest);
    if (*skip_spaces (rest))
        return units_fail (error, name, "unexpected '%s' at the end of '%s'", skip_spaces (rest),
                           text);
    *ret_unit = find_unit (units, word);
    *ret_word = g_steal_pointer (&word);
    return TRUE;
}

gboolean
units_parse_size (const char *name, const char *text, guint64 *ret_bytes, GError **error)
{
    double number;
    const Unit *unit;
    g_autofree char *word = NULL;

    if (!parse_quantity (name, text, size_units, &number, &word, &unit, error))
        return FALSE;
    if (!unit)
        return fail_size_unit (name, text, number, word, error);
    return to_base (name, text, number * unit->factor, ret_bytes, error);
}

gboolean
units_parse_rate (const char *name, const char *text, guint64 *ret_bytes_per_s, GError **error)
{
    double number;
    const Unit *unit;
    g_autofree char *word = NULL;

    if (!strcmp (text, "unlimited")) {
        *ret_bytes_per_s = UNITS_UNLIMITED;
        return TRUE;
    }
    if (!parse_quantity (name, text, rate_units, &number, &word, &unit, error))
        return FALSE;
    if (!unit)
        return fail_rate_unit (name, text, number, word, error);
    return to_base (name, text, number * unit->factor, ret_bytes_per_s, error);
}

/* --- plain numbers --------------------------------------------------------------------------- */

gboolean
units_parse_uint (const char *name, const char *text, guint64 min, guint64 max, guint64 *ret_value,
                  GError **error)
{
    g_autoptr (GError) inner = NULL;

    if (g_ascii_string_to_unsigned (text, 10, min, max, ret_value, &inner))
        return TRUE;
    if (g_error_matches (inner, G_NUMBER_PARSER_ERROR, G_NUMBER_PARSER_ERROR_OUT_OF_BOUNDS))
        return units_fail (error, name,
                           "%s is out of range: %" G_GUINT64_FORMAT " to %" G_GUINT64_FORMAT, text,
                           min, max);
    return units_fail (error, name, "'%s' is not a whole number", text);
}

gboolean
units_parse_percent (const char *name, const char *text, guint *ret_pct, GError **error)
{
    size_t length = strspn (text, "0123456789");
    g_autofree char *digits = g_strndup (text, length);
    const char *rest = skip_spaces (text + length);
    guint64 value;

    if (!length || (*rest && strcmp (rest, "%") != 0))
        return units_fail (error, name, "'%s' is not a whole percentage, such as 80%%", text);
    if (!units_parse_uint (name, digits, 0, 100, &value, error))
        return FALSE;
    *ret_pct = (guint)value;
    return TRUE;
}

gboolean
units_parse_bool (const char *name, const char *text, gboolean *ret_value, GError **error)
{
    static const char *const yes[] = { "on", "yes", "true", "1", NULL };
    static const char *const no[] = { "off", "no", "false", "0", NULL };

    if (!g_strv_contains (yes, text) && !g_strv_contains (no, text))
        return units_fail (error, name, "'%s' is neither on nor off", text);
    *ret_value = g_strv_contains (yes, text);
    return TRUE;
}

/* --- output ---------------------------------------------------------------------------------- */

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
