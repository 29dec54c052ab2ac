/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "agent/commands/history-would.h"
#include "agent/display/columns.h"
#include "agent/units.h"
#include "qmp/value.h"

enum { QUANTITY, COUNT, MEDIAN, HALF, SUM, CHECK, COLUMNS };

static const char *const titles[COLUMNS + 1] = {
    "WOULD HAVE SAVED", "OF", "MEDIAN", "MIDDLE HALF", "IN ALL", "CAME / FORESEEN, STEERED", NULL
};

static const struct {
    const char *name, *title;
} quantities[] = {
    { "total", "time" },
    { "blackout", "blackout" },
    { "work_lost", "work of the guest" },
};

static gint64
number (json_object *line, const char *group, const char *name, const char *member)
{
    g_autofree char *path = g_strdup_printf ("%s.%s.%s", group, name, member);
    json_object *value = qmp_peek (line, path);

    return value ? json_object_get_int64 (value) : 0;
}

static double
ratio (json_object *line, const char *name, const char *member)
{
    g_autofree char *path = g_strdup_printf ("checked.%s.%s", name, member);
    json_object *value = qmp_peek (line, path);

    return value ? json_object_get_double (value) : 0;
}

/* It may have cost more than it would have saved. */
static char *
signed_time (gint64 us)
{
    g_autofree char *text = units_format_time ((guint64)ABS (us));

    return g_strconcat (us < 0 ? "-" : "", text, NULL);
}

static char *
time_of (json_object *line, const char *name, const char *member)
{
    if (number (line, "saved", name, "count") == 0)
        return g_strdup ("-");
    return signed_time (number (line, "saved", name, member));
}

static char *
half_of (json_object *line, const char *name)
{
    g_autofree char *low = time_of (line, name, "low");
    g_autofree char *high = time_of (line, name, "high");

    return g_str_equal (low, "-") ? g_strdup ("-") : g_strdup_printf ("%s to %s", low, high);
}

static char *
check_of (json_object *line, const char *name)
{
    gint64 count = number (line, "checked", name, "count");

    if (count == 0)
        return g_strdup ("-");
    return g_strdup_printf ("%.2f (%.2f to %.2f, of %" G_GINT64_FORMAT ")",
                            ratio (line, name, "median"), ratio (line, name, "low"),
                            ratio (line, name, "high"), count);
}

static char **
row_new (json_object *line, guint quantity)
{
    const char *name = quantities[quantity].name;
    char **row = g_new0 (char *, COLUMNS + 1);

    row[QUANTITY] = g_strdup (quantities[quantity].title);
    row[COUNT] = g_strdup_printf ("%" G_GINT64_FORMAT, number (line, "saved", name, "count"));
    row[MEDIAN] = time_of (line, name, "median");
    row[HALF] = half_of (line, name);
    row[SUM] = time_of (line, name, "sum");
    row[CHECK] = check_of (line, name);
    return row;
}

static char *
count_text (json_object *line)
{
    return g_strdup_printf (
        "%" G_GUINT64_FORMAT " migrations were observed. %" G_GUINT64_FORMAT
        " are compared; %" G_GUINT64_FORMAT " would have been left alone, for %" G_GUINT64_FORMAT
        " nothing was foreseen, %" G_GUINT64_FORMAT " did not get there, and %" G_GUINT64_FORMAT
        " have no end.\n",
        qmp_peek_uint (line, "observed", 0), qmp_peek_uint (line, "compared", 0),
        qmp_peek_uint (line, "left_alone", 0), qmp_peek_uint (line, "without_forecast", 0),
        qmp_peek_uint (line, "not_moved", 0), qmp_peek_uint (line, "unfinished", 0));
}

char *
would_text (const Style *style, json_object *line)
{
    g_autoptr (GPtrArray) rows = g_ptr_array_new_with_free_func ((GDestroyNotify)g_strfreev);
    g_autofree char *counts = count_text (line);
    g_autofree char *table = NULL;

    g_ptr_array_add (rows, g_strdupv ((char **)titles));
    for (guint i = 0; i < G_N_ELEMENTS (quantities); i++)
        g_ptr_array_add (rows, row_new (line, i));
    table = columns_text (style, rows, NULL);
    return g_strconcat (
        counts, "\n", table,
        "\nAn estimate: what the policy foresaw when it would first have turned something, taken "
        "from\nwhat came. How far its forecasts are to be believed, the last column says: by the "
        "migrations\nof this host that were steered.\n",
        NULL);
}
