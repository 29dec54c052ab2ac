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
plans_end (json_object *list, const char *end)
{
    for (size_t i = 0; i < list_length (list); i++)
        if (!strcmp (entry_end (json_object_array_get_idx (list, i)), end))
            return TRUE;
    return FALSE;
}

static gboolean
is_on (json_object *entry)
{
    return qmp_peek_bool (entry, "value", FALSE);
}

static gboolean
is_turned_off (json_object *entry)
{
    return !is_on (entry) && qmp_peek_bool (entry, "before", FALSE);
}

static gboolean
is_at_source (json_object *entry)
{
    return !strcmp (entry_end (entry), end_names[0]);
}

/* The name of a capability that WANTED holds for, with its end where the other one differs. NULL if
 * WANTED does not hold, or was said at the source's entry. */
static char *
capability_word (const Style *style, json_object *list, json_object *entry,
                 gboolean (*wanted) (json_object *))
{
    const char *other = end_names[is_at_source (entry)];
    json_object *twin = find_entry (list, other, entry_name (entry));
    g_autofree char *name = text_peek (style, entry, "name");

    if (!name || !wanted (entry))
        return NULL;
    if (twin && wanted (twin))
        return is_at_source (entry) ? g_steal_pointer (&name) : NULL;
    if (!plans_end (list, other))
        return g_steal_pointer (&name);
    return g_strdup_printf ("%s (%s)", name, end_names[!is_at_source (entry)]);
}

static void
append_capability_words (const Style *style, GString *out, json_object *list, const char *lead,
                         gboolean (*wanted) (json_object *))
{
    for (size_t i = 0; i < list_length (list); i++) {
        g_autofree char *word =
            capability_word (style, list, json_object_array_get_idx (list, i), wanted);

        if (!word)
            continue;
        g_string_append_printf (out, "%s%s", lead, word);
        lead = ", ";
    }
}

static void
append_capabilities (const Style *style, GString *out, json_object *plan)
{
    json_object *list = qmp_peek (plan, "capabilities");
    g_autoptr (GString) words = g_string_new (NULL);

    append_capability_words (style, words, list, "", is_on);
    append_capability_words (style, words, list,
                             words->len ? "; turned off: " : "turned off: ", is_turned_off);
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
    g_autofree char *reason = text_peek (style, entry, "reason");
    g_autoptr (GString) words = g_string_new (value);

    if (!value)
        return;
    if (before && strcmp (before, value) != 0)
        g_string_append_printf (words, " instead of %s", before);
    if (reason)
        g_string_append_printf (words, ": %s", reason);
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
        append_limit (words, "blackout", units_format_time (downtime));
    if (stall != downtime)
        append_limit (words, "single standstill", units_format_time (stall));
    if (throttle < 99)
        append_limit (words, "throttle", g_strdup_printf ("%u%%", (guint)throttle));
    if (deadline)
        append_limit (words, "deadline", units_format_time (deadline));
    if (words->len)
        text_row (style, out, "limits", words->str);
}

/* --- everything ------------------------------------------------------------------------------ */

enum { COLUMN_NAME, COLUMN_VALUE, COLUMN_WAS, COLUMN_REASON, COLUMNS };
#define CELL_MAX 36 /* a longer one may push its own row, not the whole table */

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

        if (!strcmp (entry_end (entry), end))
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
        text_fold (style, line, indent, row[COLUMN_REASON]);
        g_strchomp (line->str);
        g_string_append_printf (out, "%s\n", line->str);
    }
}

static void
append_end (const Style *style, GString *out, json_object *header, json_object *plan,
            const char *end)
{
    static const struct {
        const char *key, *title;
    } tables[] = { { "capabilities", "capability" }, { "parameters", "parameter" } };
    g_autofree char *facts = heading_end_text (style, header, end);
    gboolean has_table = FALSE;

    g_string_append_printf (out, "\n%s: %s\n", end, header ? facts : "");
    for (guint i = 0; i < G_N_ELEMENTS (tables); i++) {
        json_object *list = qmp_peek (plan, tables[i].key);
        g_autoptr (GPtrArray) rows = table_rows (style, list, end, tables[i].title);

        if (rows->len == 1)
            continue;
        append_table (style, out, rows);
        has_table = TRUE;
    }
    if (!has_table)
        g_string_append (out, "  nothing is set here\n");
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
        text_fold (style, out, 9, text);
        g_string_append_c (out, '\n');
    }
}

char *
plan_text (const Style *style, json_object *header, json_object *plan)
{
    gboolean whole = style->verbose || qmp_peek_bool (plan, "dry_run", FALSE);
    GString *out = g_string_new (NULL);

    append_limits (style, out, header);
    if (!whole)
        append_capabilities (style, out, plan);
    append_bandwidth (style, out, plan);
    append_postcopy (style, out, plan);
    for (guint i = 0; whole && i < G_N_ELEMENTS (end_names); i++)
        append_end (style, out, header, plan, end_names[i]);
    if (whole)
        g_string_append_c (out, '\n');
    append_warnings (style, out, plan);
    return g_string_free (out, FALSE);
}
