/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "agent/units.h"

#include <math.h>
#include <string.h>

#include "agent/units-error.h"

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
            return units_fail_time (name, text, number, word, error);
        if (unit->factor >= last_factor)
            return units_fail (error, name, "%s is not from the largest unit down", text);
        last_factor = unit->factor;
        total += number * unit->factor;
        rest = skip_spaces (rest);
    } while (*rest);
    return to_base (name, text, total, ret_us, error);
}

/* --- size and rate --------------------------------------------------------------------------- */

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
        return units_fail_size (name, text, number, word, error);
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
        return units_fail_rate (name, text, number, word, find_unit (size_units, word) != NULL,
                                error);
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
