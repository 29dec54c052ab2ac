/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "agent/display/plan.h"

#include <string.h>

#include "agent/display/heading.h"
#include "agent/display/parameter.h"
#include "agent/display/text.h"
#include "agent/units.h"
#include "qmp/value.h"

static const char *const end_names[] = { "source", "destination" };

static size_t
list_length (json_object *list)
{
    return json_object_is_type (list, json_type_array) ? json_object_array_length (list) : 0;
}

static const char *
entry_end (json_object *entry)
{
    return qmp_peek_string (entry, "end", "");
}

static const char *
entry_name (json_object *entry)
{
    return qmp_peek_string (entry, "name", "");
}

static json_object *
find_entry (json_object *list, const char *end, const char *name)
{
    for (size_t i = 0; i < list_length (list); i++) {
        json_object *entry = json_object_array_get_idx (list, i);

        if (!strcmp (entry_end (entry), end) && !strcmp (entry_name (entry), name))
            return entry;
    }
    return NULL;
}

/* --- what matters ---------------------------------------------------------------------------- */

static gboolean
is_on (json_object *entry)
{
    return qmp_peek_bool (entry, "value", FALSE);
}

static gboolean
is_at_source (json_object *entry)
{
    return !strcmp (entry_end (entry), end_names[0]);
}

/* The name of a capability that is on, with its end where the other end has it off. NULL for one
 * that is off, or that was named at the source's entry. */
static char *
capability_word (const Style *style, json_object *list, json_object *entry)
{
    json_object *twin = find_entry (list, end_names[is_at_source (entry)], entry_name (entry));
    g_autofree char *name = text_peek (style, entry, "name");

    if (!name || !is_on (entry))
        return NULL;
    if (!twin)
        return g_steal_pointer (&name);
    if (is_on (twin))
        return is_at_source (entry) ? g_steal_pointer (&name) : NULL;
    return g_strdup_printf ("%s (%s)", name, end_names[!is_at_source (entry)]);
}

static void
append_capabilities (const Style *style, GString *out, json_object *plan)
{
    json_object *list = qmp_peek (plan, "capabilities");
    g_autoptr (GString) words = g_string_new (NULL);

    for (size_t i = 0; i < list_length (list); i++) {
        g_autofree char *word = capability_word (style, list, json_object_array_get_idx (list, i));

        if (word)
            g_string_append_printf (words, "%s%s", words->len ? ", " : "", word);
    }
    if (words->len)
        text_row (style, out, "capabilities", words->str);
}

static void
append_bandwidth (const Style *style, GString *out, json_object *plan)
{
    const char *name = "max-bandwidth";
    json_object *entry = find_entry (qmp_peek (plan, "parameters"), "source", name);
    g_autofree char *value = parameter_text (style, name, qmp_peek (entry, "value"));
    g_autofree char *before = parameter_text (style, name, qmp_peek (entry, "before"));
    g_autoptr (GString) words = g_string_new (value);

    if (!value)
        return;
    if (before && strcmp (before, value) != 0)
        g_string_append_printf (words, " instead of %s", before);
    text_row (style, out, "bandwidth", words->str);
}

#define POSTCOPY_RISK                                                                              \
    "from then on the guest needs both hosts until the end: one that dies takes the guest with "   \
    "it, a broken link only pauses it"

static void
append_postcopy (const Style *style, GString *out, json_object *plan)
{
    const char *mode = qmp_peek_string (plan, "postcopy", "never");

    if (!strcmp (mode, "fallback"))
        text_row (style, out, "post-copy", "armed, if nothing milder works; " POSTCOPY_RISK);
    else if (!strcmp (mode, "now"))
        text_row (style, out, "post-copy", "as soon as it can; " POSTCOPY_RISK);
    else if (style->verbose)
        text_row (style, out, "post-copy", "never");
}

static void
append_limit (GString *out, const char *label, char *value)
{
    g_autofree char *owned = value;

    g_string_append_printf (out, "%s%s %s", out->len ? ", " : "", label, owned);
}

static void
append_limits (const Style *style, GString *out, json_object *header)
{
    json_object *limits = qmp_peek (header, "limits");
    guint64 downtime = qmp_peek_uint (limits, "max_downtime_us", 0);
    guint64 stall = qmp_peek_uint (limits, "max_stall_us", downtime);
    guint64 deadline = qmp_peek_uint (limits, "deadline_us", 0);
    guint64 throttle = qmp_peek_uint (limits, "max_throttle_pct", 99);
    g_autoptr (GString) words = g_string_new (NULL);

    if (downtime)
        append_limit (words, "blackout at most", units_format_time (downtime));
    if (stall != downtime)
        append_limit (words, "each standstill at most", units_format_time (stall));
    if (throttle < 99)
        append_limit (words, "throttle at most", g_strdup_printf ("%u%%", (guint)throttle));
    if (deadline)
        append_limit (words, "done within", units_format_time (deadline));
    if (words->len)
        text_row (style, out, "limits", words->str);
}

/* --- everything ------------------------------------------------------------------------------ */

enum { COLUMN_NAME, COLUMN_VALUE, COLUMN_WAS, COLUMN_REASON, COLUMNS };
#define CELL_MAX 36 /* a longer one may push its own row, not the whole table */

/* Every capability that we know is in the plan: most are off, were off, and are in one line. */
static gboolean
stays_off (json_object *entry)
{
    return json_object_is_type (qmp_peek (entry, "value"), json_type_boolean) && !is_on (entry) &&
           !qmp_peek_bool (entry, "before", TRUE);
}

static char **
table_row (const Style *style, json_object *entry)
{
    const char *name = entry_name (entry);
    g_autofree char *before = parameter_text (style, name, qmp_peek (entry, "before"));
    char **row = g_new0 (char *, COLUMNS + 1);

    row[COLUMN_NAME] = text_clean (name, style->utf8);
    row[COLUMN_VALUE] = parameter_text (style, name, qmp_peek (entry, "value"));
    if (!row[COLUMN_VALUE])
        row[COLUMN_VALUE] = g_strdup ("?");
    row[COLUMN_WAS] = g_strdup (before && strcmp (before, row[COLUMN_VALUE]) != 0 ? before : "");
    row[COLUMN_REASON] = text_clean (qmp_peek_string (entry, "reason", ""), style->utf8);
    return row;
}

/* The entries of one end, under a line of titles. */
static GPtrArray *
table_rows (const Style *style, json_object *list, const char *end, const char *title)
{
    GPtrArray *rows = g_ptr_array_new_with_free_func ((GDestroyNotify)g_strfreev);
    const char *titles[] = { title, "value", "was", "why", NULL };

    g_ptr_array_add (rows, g_strdupv ((char **)titles));
    for (size_t i = 0; i < list_length (list); i++) {
        json_object *entry = json_object_array_get_idx (list, i);

        if (!strcmp (entry_end (entry), end) && !stays_off (entry))
            g_ptr_array_add (rows, table_row (style, entry));
    }
    return rows;
}

static int
column_width (GPtrArray *rows, int column)
{
    int width = 0;

    for (guint i = 0; i < rows->len; i++)
        width = MAX (width, text_width (((char **)rows->pdata[i])[column]));
    return MIN (width, CELL_MAX);
}

static void
append_table (const Style *style, GString *out, GPtrArray *rows)
{
    int widths[COLUMN_REASON];
    int indent = 2;

    for (int column = 0; column < COLUMN_REASON; column++) {
        widths[column] = column_width (rows, column);
        indent += widths[column] + 2;
    }
    for (guint i = 0; i < rows->len; i++) {
        char **row = rows->pdata[i];
        g_autoptr (GString) line = g_string_new ("  ");

        for (int column = 0; column < COLUMN_REASON; column++) {
            style_ink (style, line, i ? INK_PLAIN : INK_BOLD, row[column]);
            text_spaces (line, widths[column] - text_width (row[column]) + 2);
        }
        text_fold (style, line, indent, indent, row[COLUMN_REASON]);
        g_strchomp (line->str);
        g_string_append_printf (out, "%s\n", line->str);
    }
}

static void
append_stays_off (const Style *style, GString *out, json_object *list, const char *end)
{
    static const char lead[] = "  stays off: ";
    g_autoptr (GString) words = g_string_new (NULL);

    for (size_t i = 0; i < list_length (list); i++) {
        json_object *entry = json_object_array_get_idx (list, i);
        g_autofree char *name = text_peek (style, entry, "name");

        if (name && !strcmp (entry_end (entry), end) && stays_off (entry))
            g_string_append_printf (words, "%s%s", words->len ? ", " : "", name);
    }
    if (!words->len)
        return;
    g_string_append (out, lead);
    text_fold (style, out, (int)strlen (lead), (int)strlen (lead), words->str);
    g_string_append_c (out, '\n');
}

static void
append_section (const Style *style, GString *out, json_object *list, const char *end,
                const char *title)
{
    g_autoptr (GPtrArray) rows = table_rows (style, list, end, title);

    if (rows->len > 1)
        append_table (style, out, rows);
    append_stays_off (style, out, list, end);
}

static void
append_end (const Style *style, GString *out, json_object *header, json_object *plan,
            const char *end)
{
    g_autofree char *facts = heading_end_text (style, header, end);

    g_string_append_printf (out, "\n%s: %s\n", end, facts);
    append_section (style, out, qmp_peek (plan, "capabilities"), end, "capability");
    append_section (style, out, qmp_peek (plan, "parameters"), end, "parameter");
}

/* --- both ------------------------------------------------------------------------------------ */

static void
append_warnings (const Style *style, GString *out, json_object *plan)
{
    json_object *list = qmp_peek (plan, "warnings");

    for (size_t i = 0; i < list_length (list); i++) {
        const char *raw = json_object_get_string (json_object_array_get_idx (list, i));
        g_autofree char *text = text_clean (raw ? raw : "", style->utf8);

        style_ink (style, out, INK_CAUTION, "warning:");
        g_string_append_c (out, ' ');
        text_fold (style, out, 9, 9, text);
        g_string_append_c (out, '\n');
    }
}

char *
plan_text (const Style *style, json_object *header, json_object *plan)
{
    gboolean whole = style->verbose || qmp_peek_bool (plan, "dry_run", FALSE);
    GString *out = g_string_new (NULL);

    append_limits (style, out, header);
    if (!whole) {
        append_capabilities (style, out, plan);
        append_bandwidth (style, out, plan);
    }
    append_postcopy (style, out, plan);
    for (guint i = 0; whole && i < G_N_ELEMENTS (end_names); i++)
        append_end (style, out, header, plan, end_names[i]);
    if (whole)
        g_string_append_c (out, '\n');
    append_warnings (style, out, plan);
    return g_string_free (out, FALSE);
}
