/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "agent/display/plan.h"

#include <string.h>

#include "agent/display/plan-table.h"
#include "agent/display/text.h"
#include "agent/units.h"
#include "qmp/value.h"

static const char *
entry_name (json_object *entry)
{
    return qmp_peek_string (entry, "name", "");
}

static gboolean
is_at (json_object *entry, const char *end)
{
    return !strcmp (qmp_peek_string (entry, "end", ""), end);
}

static gboolean
is_on (json_object *entry)
{
    return qmp_peek_bool (entry, "value", FALSE);
}

static json_object *
find_entry (json_object *list, const char *end, const char *name)
{
    for (size_t i = 0; i < qmp_length (list); i++) {
        json_object *entry = json_object_array_get_idx (list, i);

        if (is_at (entry, end) && !strcmp (entry_name (entry), name))
            return entry;
    }
    return NULL;
}

/* The name of a capability that is on, with its end where the other end has it off. NULL for one
 * that is off, or that was named at the source's entry. */
static char *
capability_word (const Style *style, json_object *list, json_object *entry)
{
    const char *end = is_at (entry, "source") ? "source" : "destination";
    const char *other = is_at (entry, "source") ? "destination" : "source";
    json_object *twin = find_entry (list, other, entry_name (entry));
    g_autofree char *name = text_peek (style, entry, "name");

    if (!name || !is_on (entry))
        return NULL;
    if (!twin)
        return g_steal_pointer (&name);
    if (is_on (twin))
        return is_at (entry, "source") ? g_steal_pointer (&name) : NULL;
    return g_strdup_printf ("%s (%s)", name, end);
}

static void
append_capabilities (const Style *style, GString *out, json_object *plan)
{
    json_object *list = qmp_peek (plan, "capabilities");
    g_autoptr (GString) words = g_string_new (NULL);

    for (size_t i = 0; i < qmp_length (list); i++) {
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
    g_autofree char *value = text_parameter (style, name, qmp_peek (entry, "value"));
    g_autofree char *before = text_parameter (style, name, qmp_peek (entry, "before"));
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
        text_row (style, out, "postcopy", "armed, if nothing milder works; " POSTCOPY_RISK);
    else if (!strcmp (mode, "now"))
        text_row (style, out, "postcopy", "as soon as it can; " POSTCOPY_RISK);
    else if (style->verbose)
        text_row (style, out, "postcopy", "never");
}

static void
append_limit (GString *out, const char *label, char *value)
{
    g_autofree char *owned = value;

    g_string_append_printf (out, "%s%s %s", out->len ? ", " : "", label, owned);
}

/* QEMU throttles in slices of this much running; the rest of a slice is one standstill. That limit
 * is told by its cause. */
#define THROTTLE_SLICE_US 10000

static void
append_limits (const Style *style, GString *out, json_object *header)
{
    json_object *limits = qmp_peek (header, "limits");
    guint64 downtime = qmp_peek_uint (limits, "max_downtime_us", 0);
    guint64 stall = qmp_peek_uint (limits, "max_stall_us", downtime);
    guint64 deadline = qmp_peek_uint (limits, "deadline_us", 0);
    guint64 of_stall = stall * 100 / (stall + THROTTLE_SLICE_US);
    guint64 throttle = qmp_peek_uint (limits, "max_throttle_pct", 99);
    g_autoptr (GString) words = g_string_new (NULL);

    if (downtime)
        append_limit (words, "blackout at most", units_format_time (downtime));
    if (stall != downtime)
        append_limit (words, "each standstill at most", units_format_time (stall));
    if (throttle < MIN (of_stall, 99))
        append_limit (words, "throttle at most", g_strdup_printf ("%u%%", (guint)throttle));
    if (deadline)
        append_limit (words, "done within", units_format_time (deadline));
    if (words->len)
        text_row (style, out, "limits", words->str);
}

static void
append_warnings (const Style *style, GString *out, json_object *plan)
{
    static const char head[] = "warning:";
    int indent = (int)strlen (head) + 1;
    g_auto (GStrv) texts = text_peek_list (style, plan, "warnings");

    for (char **text = texts; *text; text++) {
        style_ink (style, out, INK_CAUTION, head);
        g_string_append_c (out, ' ');
        text_fold (style, out, indent, indent, *text);
        g_string_append_c (out, '\n');
    }
}

char *
plan_text (const Style *style, json_object *header, json_object *plan)
{
    GString *out = g_string_new (NULL);
    gboolean whole = style->verbose || qmp_peek_bool (plan, "dry_run", FALSE);

    append_limits (style, out, header);
    if (!whole)
        append_bandwidth (style, out, plan);
    append_postcopy (style, out, plan);
    if (whole)
        plan_table (style, out, header, plan);
    else
        append_capabilities (style, out, plan);
    append_warnings (style, out, plan);
    return g_string_free (out, FALSE);
}
