/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "agent/report/words.h"

#include <string.h>

#include "agent/display/advice.h"
#include "agent/display/text.h"
#include "agent/units.h"
#include "qmp/value.h"

static const Style plain = { .utf8 = TRUE, .verbose = TRUE };

char *
words_time (gint64 t_us)
{
    return t_us < 1000 ? g_strdup ("0 s") : units_format_time ((guint64)t_us);
}

static guint64
unsigned_of (json_object *value)
{
    return (guint64)MAX (json_object_get_int64 (value), 0);
}

static char *
words_number (const char *key, json_object *value)
{
    if (g_str_has_suffix (key, "_us"))
        return units_format_time (unsigned_of (value));
    if (g_str_has_suffix (key, "_bytes_per_s"))
        return units_format_rate (unsigned_of (value) ? unsigned_of (value) : UNITS_UNLIMITED);
    if (g_str_has_suffix (key, "_bytes"))
        return units_format_size (unsigned_of (value));
    if (g_str_has_suffix (key, "_pct"))
        return g_strdup_printf ("%" G_GUINT64_FORMAT " %%", unsigned_of (value));
    return g_strdup (json_object_get_string (value));
}

static char *
words_list (json_object *list)
{
    g_autoptr (GString) out = g_string_new (NULL);

    for (gsize i = 0; i < json_object_array_length (list); i++) {
        g_autofree char *text = words_value ("", json_object_array_get_idx (list, i));

        if (text)
            g_string_append_printf (out, "%s%s", out->len ? ", " : "", text);
    }
    return out->len ? g_strdup (out->str) : NULL;
}

char *
words_value (const char *key, json_object *value)
{
    switch (json_object_get_type (value)) {
    case json_type_int:
    case json_type_double:
        return words_number (key, value);
    case json_type_string:
        return text_clean (json_object_get_string (value), TRUE);
    case json_type_boolean:
        return g_strdup (json_object_get_boolean (value) ? "yes" : "no");
    case json_type_array:
        return words_list (value);
    case json_type_null:
    case json_type_object:
        return NULL;
    }
    return NULL;
}

/* --- decisions ------------------------------------------------------------------------------- */

typedef struct {
    const char *key, *name;
} Named;

/* "throttle 92 %, downtime limit 155 ms": those of NAMES that LINE has. */
static char *
join_named (json_object *line, const Named *names, guint count, GString *out)
{
    for (guint i = 0; i < count; i++) {
        json_object *value = qmp_peek (line, names[i].key);
        g_autofree char *text = value ? words_value (names[i].key, value) : NULL;

        if (text)
            g_string_append_printf (out, "%s%s %s", out->len ? ", " : "", names[i].name, text);
    }
    return out->len ? g_strdup (out->str) : NULL;
}

char *
words_wanted (const StoryDecision *decision)
{
    static const Named knobs[] = {
        { "throttle_pct", "throttle" },
        { "downtime_limit_us", "downtime limit" },
        { "bandwidth_bytes_per_s", "bandwidth" },
        { "switchover_bandwidth_bytes_per_s", "bandwidth of the switchover" },
        { "postcopy_bandwidth_bytes_per_s", "bandwidth of postcopy" },
        { "xbzrle_cache_bytes", "cache of xbzrle" },
        { "dirty_limit_bytes_per_s", "dirty limit" },
    };
    const char *action = qmp_peek_string (decision->advice, "action", "none");
    g_autoptr (GString) out = g_string_new (NULL);

    if (!strcmp (action, "postcopy"))
        g_string_append (out, "switch to postcopy");
    else if (!strcmp (action, "pause-guest"))
        g_string_append (out, "pause the guest");
    else if (strcmp (action, "none") != 0) {
        g_autofree char *clean = text_clean (action, TRUE);

        g_string_append (out, clean);
    }
    return join_named (decision->advice, knobs, G_N_ELEMENTS (knobs), out);
}

char *
words_foreseen (const StoryDecision *decision)
{
    static const Named foreseen[] = {
        { "remaining_us", "time left" },
        { "blackout_us", "blackout" },
        { "work_lost_us", "work lost" },
        { "needed_downtime_us", "would need a downtime of" },
        { "needed_bandwidth_bytes_per_s", "would need a bandwidth of" },
        { "needed_throttle_pct", "would need a throttle of" },
    };
    g_autofree char *verdict = text_peek (&plain, decision->advice, "verdict");
    g_autoptr (GString) out = g_string_new (NULL);

    if (verdict && strcmp (verdict, "unknown") != 0) {
        g_strdelimit (verdict, "-", ' ');
        g_string_append (out, verdict);
    }
    return join_named (decision->advice, foreseen, G_N_ELEMENTS (foreseen), out);
}

char *
words_applied (const StoryDecision *decision)
{
    return decision->applied->len
               ? advice_applied_text (&plain, g_ptr_array_index (decision->applied, 0))
               : NULL;
}

char *
words_reason (const StoryDecision *decision)
{
    char *reason = text_peek (&plain, decision->advice, "reason");

    return reason ? reason : g_strdup ("(no reason given)");
}

char *
words_decision (const StoryDecision *decision)
{
    g_autofree char *time = words_time (decision->t_us);
    g_autofree char *reason = words_reason (decision);
    g_autofree char *wanted = words_wanted (decision);

    return g_strdup_printf ("%u, at %s: %s%s%s", decision->number, time, reason,
                            wanted ? ". Sets " : "", wanted ? wanted : "");
}

/* --- everything else ------------------------------------------------------------------------- */

static char *
words_event (json_object *line)
{
    g_autofree char *end = text_peek (&plain, line, "end");
    g_autofree char *name = text_peek (&plain, line, "name");
    json_object *data = qmp_peek (line, "data");
    g_autofree char *more =
        json_object_is_type (data, json_type_object) && json_object_object_length (data)
            ? text_clean (json_object_to_json_string_ext (data, JSON_C_TO_STRING_PLAIN), TRUE)
            : g_strdup ("");

    return g_strdup_printf ("%s: %s %s", end ? end : "?", name ? name : "?", more);
}

static char *
words_notice (json_object *line)
{
    g_autofree char *text = text_peek (&plain, line, "text");
    g_autofree char *level = text_peek (&plain, line, "level");

    if (!level || !strcmp (level, "info"))
        return g_strdup (text ? text : "");
    return g_strdup_printf ("%s: %s", level, text ? text : "");
}

char *
words_entry (const StoryEntry *entry)
{
    const char *type = qmp_peek_string (entry->line, "type", "");
    g_autofree char *clock = text_peek (&plain, entry->line, "wall_clock");
    g_autofree char *role = text_peek (&plain, entry->line, "role");
    char *applied;

    if (!strcmp (type, "event"))
        return words_event (entry->line);
    if (!strcmp (type, "notice"))
        return words_notice (entry->line);
    if (!strcmp (type, "header"))
        return g_strdup_printf ("%s began, at %s; its time counts from here on",
                                role ? role : "another qmpmig", clock ? clock : "an unknown time");
    applied = advice_applied_text (&plain, entry->line);
    return applied ? applied : g_strdup ("sets nothing");
}
