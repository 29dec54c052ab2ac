/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include <string.h>

#include "agent/report/markup.h"
#include "agent/report/page.h"
#include "agent/report/words.h"
#include "qmp/value.h"

#define MAX_DEPTH 4

/* --- header and result ----------------------------------------------------------------------- */

typedef struct {
    char *title;
    char *values[2];
} Fact;

typedef struct {
    GPtrArray *facts; /* Fact */
    guint column;
} Table;

static void
fact_free (gpointer data)
{
    Fact *self = data;

    g_free (self->title);
    g_free (self->values[0]);
    g_free (self->values[1]);
    g_free (self);
}

static Fact *
fact_of (Table *self, const char *title)
{
    Fact *fact;

    for (guint i = 0; i < self->facts->len; i++) {
        fact = g_ptr_array_index (self->facts, i);
        if (!strcmp (fact->title, title))
            return fact;
    }
    fact = g_new0 (Fact, 1);
    fact->title = g_strdup (title);
    g_ptr_array_add (self->facts, fact);
    return fact;
}

/* "blackout_bound_us" becomes "blackout bound": the value tells its unit. */
static char *
title_of (const char *prefix, const char *key)
{
    static const char *const units[] = { "_bytes_per_s", "_bytes", "_us", "_pct" };
    g_autofree char *name = g_strdup (key);

    for (guint i = 0; i < G_N_ELEMENTS (units); i++)
        if (g_str_has_suffix (name, units[i])) {
            name[strlen (name) - strlen (units[i])] = '\0';
            break;
        }
    g_strdelimit (name, "_", ' ');
    return g_strdup_printf ("%s%s%s", prefix, *prefix ? " " : "", name);
}

/* What stands elsewhere on the page, or is of no use on it. */
static gboolean
is_elsewhere (const char *key)
{
    static const char *const keys[] = { "type",     "t_us",         "format",     "text", "check",
                                        "commands", "capabilities", "parameters", NULL };

    return g_strv_contains (keys, key);
}

static void
add_facts (Table *self, const char *prefix, json_object *object, guint depth)
{
    if (!json_object_is_type (object, json_type_object) || depth == MAX_DEPTH)
        return;
    json_object_object_foreach (object, key, value) {
        g_autofree char *title = title_of (prefix, key);
        g_autofree char *text = words_value (key, value);
        Fact *fact = text && !is_elsewhere (key) ? fact_of (self, title) : NULL;

        if (fact && !fact->values[self->column])
            fact->values[self->column] = g_steal_pointer (&text);
        else if (!is_elsewhere (key))
            add_facts (self, title, value, depth + 1);
    }
}

static void
append_facts (GString *out, const Table *table, gboolean two)
{
    if (two)
        g_string_append (out, "<thead><tr><th scope=\"col\"></th><th scope=\"col\">A</th>"
                              "<th scope=\"col\">B</th></tr></thead>\n");
    g_string_append (out, "<tbody>\n");
    for (guint i = 0; i < table->facts->len; i++) {
        const Fact *fact = g_ptr_array_index (table->facts, i);

        g_string_append (out, "<tr><th scope=\"row\">");
        markup_text (out, fact->title);
        for (guint s = 0; s <= (guint)two; s++) {
            g_string_append (out, s ? "</td><td>" : "</th><td>");
            markup_text (out, fact->values[s] ? fact->values[s] : "\xe2\x80\x93");
        }
        g_string_append (out, "</td></tr>\n");
    }
    g_string_append (out, "</tbody>");
}

static void
append_table (GString *out, const char *title, const Story *const stories[2], gboolean of_result)
{
    g_autoptr (GPtrArray) facts = g_ptr_array_new_with_free_func (fact_free);
    Table table = { .facts = facts };

    for (; table.column < 2 && stories[table.column]; table.column++)
        add_facts (&table, "",
                   of_result ? stories[table.column]->result : stories[table.column]->header, 0);
    if (!facts->len)
        return;
    g_string_append_printf (out, "<section><h2>%s</h2>\n<table class=\"facts\">\n", title);
    append_facts (out, &table, stories[1] != NULL);
    g_string_append (out, "</table></section>\n");
}

void
page_facts (GString *out, const Story *const stories[2])
{
    append_table (out, "Outcome in numbers", stories, TRUE);
    append_table (out, "What was moved, from where to where", stories, FALSE);
}

/* --- plan ------------------------------------------------------------------------------------ */

static void
append_cell (GString *out, const char *text)
{
    g_string_append (out, "<td>");
    markup_text (out, text ? text : "");
    g_string_append (out, "</td>");
}

static void
append_changes (GString *out, json_object *list)
{
    for (gsize i = 0; i < qmp_length (list); i++) {
        json_object *change = json_object_array_get_idx (list, i);
        g_autofree char *value = words_value ("", qmp_peek (change, "value"));
        g_autofree char *before = words_value ("", qmp_peek (change, "before"));

        if (value && before && !strcmp (value, before))
            continue;
        g_string_append (out, "<tr>");
        append_cell (out, qmp_peek_string (change, "end", ""));
        append_cell (out, qmp_peek_string (change, "name", ""));
        append_cell (out, value);
        append_cell (out, qmp_peek_string (change, "reason", ""));
        g_string_append (out, "</tr>\n");
    }
}

static void
append_warnings (GString *out, json_object *list)
{
    for (gsize i = 0; i < qmp_length (list); i++) {
        g_autofree char *text = words_value ("", json_object_array_get_idx (list, i));

        g_string_append (out, "<p class=\"note\">Warning: ");
        markup_text (out, text ? text : "");
        g_string_append (out, "</p>\n");
    }
}

void
page_plan (GString *out, const Story *story)
{
    if (!story->plan)
        return;
    append_warnings (out, qmp_peek (story->plan, "warnings"));
    g_string_append (out, "<div class=\"scroll\"><table><thead><tr><th scope=\"col\">end</th>"
                          "<th scope=\"col\">set</th><th scope=\"col\">to</th>"
                          "<th scope=\"col\">because</th></tr></thead><tbody>\n");
    append_changes (out, qmp_peek (story->plan, "capabilities"));
    append_changes (out, qmp_peek (story->plan, "parameters"));
    g_string_append (out, "</tbody></table></div>\n");
}
