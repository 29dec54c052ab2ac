/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* What is wrong with a number, and what may have been meant. */
#include <math.h>
#include <string.h>

#include "agent/units-error.h"

G_DEFINE_QUARK (units - error - quark, units_error)

gboolean
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

gboolean
units_fail_time (const char *name, const char *text, double number, const char *unit,
                 GError **error)
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

gboolean
units_fail_size (const char *name, const char *text, double number, const char *unit,
                 GError **error)
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

gboolean
units_fail_rate (const char *name, const char *text, double number, const char *unit,
                 gboolean is_size, GError **error)
{
    char digits[G_ASCII_DTOSTR_BUF_SIZE];

    g_ascii_formatd (digits, sizeof digits, "%.15g", number);
    if (!unit[0])
        return units_fail (error, name, "%s has no unit: write %sMiB/s or %sMbit/s", text, digits,
                           digits);
    if (is_size)
        return units_fail (error, name, "%s is a size: write %s%s/s", text, digits, unit);
    if (is_guessable (unit))
        return fail_ambiguous_rate (name, text, number, unit, error);
    return units_fail (error, name,
                       "%s has an unknown unit '%s': use kbit/s, Mbit/s, Gbit/s, or a size such as "
                       "MiB followed by /s",
                       text, unit);
}
