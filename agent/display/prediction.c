/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "agent/display/prediction.h"

#include "agent/display/text.h"
#include "agent/units.h"
#include "qmp/value.h"

static char *
range_text (json_object *of, const char *name)
{
    json_object *range = qmp_peek (of, name);
    g_autofree char *least = units_format_time (qmp_peek_uint (range, "least_us", 0));
    g_autofree char *most = units_format_time (qmp_peek_uint (range, "most_us", 0));

    guint64 expected_us = qmp_peek_uint (range, "expected_us", G_MAXUINT64);
    g_autofree char *expected = expected_us == G_MAXUINT64 ? NULL : units_format_time (expected_us);

    if (g_str_equal (least, most))
        return g_strdup (most);
    return expected ? g_strdup_printf ("%s, from %s to %s", expected, least, most)
                    : g_strdup_printf ("%s to %s", least, most);
}

const char *
prediction_answer (json_object *line)
{
    guint64 completed = qmp_peek_uint (line, "completed", 0);

    if (qmp_peek_bool (line, "converges", FALSE))
        return qmp_peek_bool (line, "postcopy", FALSE) ? "converges, at worst by postcopy"
                                                       : "converges";
    if (qmp_peek_bool (line, "late", FALSE))
        return "does not keep its deadline";
    return completed > 0 ? "may not converge" : "does not converge";
}

static void
append_verdict (const Style *style, GString *out, const char *vm, json_object *line)
{
    g_autofree char *rate = units_format_rate (qmp_peek_uint (line, "bandwidth_bytes_per_s", 0));
    g_autofree char *policy = text_peek (style, line, "policy");
    g_autofree char *name = text_clean (vm, style->utf8);

    style_ink (style, out, INK_BOLD, name);
    g_string_append_printf (out, ": at %s with policy %s its migration ", rate, policy);
    style_ink (style, out, qmp_peek_bool (line, "converges", FALSE) ? INK_GOOD : INK_BAD,
               prediction_answer (line));
    g_string_append_c (out, '\n');
}

static void
append_range (const Style *style, GString *out, json_object *line, const char *key,
              const char *name)
{
    g_autofree char *text = range_text (line, name);

    if (qmp_peek (line, name))
        text_row (style, out, key, text);
}

static void
append_measured (const Style *style, GString *out, json_object *line)
{
    json_object *points = qmp_peek (line, "measured.points");
    g_autofree char *mode = text_peek (style, line, "measured.mode");
    GString *text = g_string_new (NULL);

    for (gsize i = 0; i < qmp_length (points); i++) {
        json_object *point = json_object_array_get_idx (points, i);
        g_autofree char *size = units_format_size (qmp_peek_uint (point, "written_bytes", 0));
        g_autofree char *time = units_format_time (qmp_peek_uint (point, "during_us", 0));

        g_string_append_printf (text, "%s%s in %s", i ? ", " : "", size, time);
    }
    if (mode)
        g_string_append_printf (text, " (%s)", mode);
    text_row (style, out, "writes", text->str);
    g_string_free (text, TRUE);
}

static void
append_remedies (const Style *style, GString *out, json_object *line)
{
    json_object *list = qmp_peek (line, "would_help");

    for (gsize i = 0; i < qmp_length (list); i++) {
        json_object *remedy = json_object_array_get_idx (list, i);
        g_autofree char *total = range_text (remedy, "total");
        g_autofree char *blackout = range_text (remedy, "blackout");
        g_autofree char *change = text_peek (style, remedy, "change");
        g_autofree char *text =
            g_strdup_printf ("%s: %s, blackout %s", change ? change : "", total, blackout);

        text_row (style, out, i ? "" : "would help", text);
    }
}

char *
prediction_text (const Style *style, const char *vm, json_object *line)
{
    GString *out = g_string_new (NULL);
    g_autofree char *reason = text_peek (style, line, "reason");

    append_verdict (style, out, vm, line);
    append_range (style, out, line, "total", "total");
    append_range (style, out, line, "blackout", "blackout");
    append_range (style, out, line, "work lost", "work_lost");
    append_measured (style, out, line);
    if (reason)
        text_row (style, out, "why", reason);
    append_remedies (style, out, line);
    return g_string_free (out, FALSE);
}
