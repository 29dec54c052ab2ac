/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "agent/report/page.h"

#include <string.h>

#include "agent/report/chart.h"
#include "agent/report/markup.h"
#include "agent/report/page-style.h"
#include "agent/report/words.h"
#include "agent/units.h"
#include "qmp/value.h"

#define WIDE   1040.0
#define NARROW 376.0
#define MANY   60 /* rows that one scrolls past gladly */

static void
append_text (GString *out, const char *before, const char *text, const char *after)
{
    g_string_append (out, before);
    markup_text (out, text);
    g_string_append (out, after);
}

/* --- the outcome ----------------------------------------------------------------------------- */

static void
append_tile (GString *out, const char *name, char *value, const char *note)
{
    g_autofree char *owned = value;

    if (!owned)
        return;
    append_text (out, "<div><dt>", name, "</dt><dd>");
    append_text (out, "<b>", owned, "</b>");
    if (note)
        append_text (out, " <span>", note, "</span>");
    g_string_append (out, "</dd></div>\n");
}

static char *
value_at (json_object *line, const char *key)
{
    json_object *value = qmp_peek (line, key);

    return value ? words_value (key, value) : NULL;
}

static void
append_tiles (GString *out, const Story *story)
{
    json_object *result = story->result;
    g_autofree char *bound = value_at (result, "blackout_bound_us");
    g_autofree char *within = bound ? g_strdup_printf ("\xc2\xb1 %s", bound) : NULL;
    g_autofree char *permitted = value_at (story->header, "limits.max_downtime_us");
    g_autofree char *note = permitted ? g_strdup_printf ("%s%sof %s", within ? within : "",
                                                         within ? ", " : "", permitted)
                                      : g_strdup (within);
    guint64 lost_us = words_work_lost_us (result);
    g_autofree char *throttled = value_at (result, "throttle_integral_us");
    g_autofree char *share = throttled ? g_strdup_printf ("throttle %s", throttled) : NULL;

    g_string_append (out, "<dl class=\"tiles\">\n");
    append_tile (out, "total time", value_at (result, "total_us"), NULL);
    append_tile (out, "blackout", value_at (result, "blackout_us"), note);
    append_tile (out, "work lost", lost_us == G_MAXUINT64 ? NULL : units_format_time (lost_us),
                 share);
    append_tile (out, "sent", value_at (result, "sent_bytes"), NULL);
    append_tile (out, "passes", value_at (result, "passes"), NULL);
    append_tile (out, "policy", value_at (story->header, "policy.name"), NULL);
    g_string_append (out, "</dl>\n");
}

static void
append_notes (GString *out, const Story *story)
{
    g_auto (GStrv) lines = words_instructions (story);
    g_autofree char *text = g_strjoinv ("\n", lines);

    if (story->observed_only)
        g_string_append (out, "<p class=\"note\">Observed only: nothing of what was decided was "
                              "done.</p>\n");
    if (story->torn)
        g_string_append (out, "<p class=\"note\">The last line of the trace was not written whole "
                              "and is left out.</p>\n");
    if (!*text)
        return;
    g_string_append (out, "<pre>");
    for (guint i = 0; lines[i]; i++)
        append_text (out, i ? "\n" : "", lines[i], "");
    g_string_append (out, "</pre>\n");
}

static void
append_outcome (GString *out, const Story *story, const char *letter)
{
    g_autofree char *vm = words_vm (story);
    g_autofree char *headline = words_headline (story);

    g_string_append (out, "<section>\n<h1>");
    if (*letter)
        g_string_append_printf (out, "<span class=\"letter %s\">%s</span> ",
                                *letter == 'A' ? "a" : "b", letter);
    append_text (out, "", vm, "</h1>\n");
    append_text (out, "<p class=\"headline\">", headline, "</p>\n");
    append_notes (out, story);
    append_tiles (out, story);
    g_string_append (out, "</section>\n");
}

/* --- the chart ------------------------------------------------------------------------------- */

/* Text in a picture that shrinks with the window could not be read on a telephone: there are two,
 * and the style sheet shows the one that fits. */
static void
append_chart (GString *out, const Story *const stories[2], double width, const char *name)
{
    g_autoptr (Scene) scene = scene_new (width);
    g_autofree char *svg = NULL;

    scene->height = chart_draw (scene, 10, stories[0], stories[1]) + 4;
    svg = scene_svg (scene, "The migration over time. What was decided stands below.", FALSE);
    g_string_append_printf (out, "<div class=\"%s\">\n%s</div>\n", name, svg);
}

/* --- what was decided, and what happened -------------------------------------------------------
 */

static void
append_part (GString *out, const char *name, char *text)
{
    g_autofree char *owned = text;

    if (!owned)
        return;
    g_string_append_printf (out, "<br/><span class=\"soft\">%s</span> ", name);
    markup_text (out, owned);
}

static void
append_decision (GString *out, const StoryDecision *decision)
{
    g_autofree char *time = words_time (decision->t_us);
    g_autofree char *reason = words_reason (decision);

    g_string_append_printf (out, "<li%s>", decision->turns ? " class=\"turns\"" : "");
    g_string_append_printf (out, "<span class=\"number\">%u</span><div>", decision->number);
    append_text (out, "<time>", time, "</time> ");
    append_text (out, "<b>", reason, "</b>");
    append_part (out, "asks for", words_wanted (decision));
    append_part (out, "foresees", words_foreseen (decision));
    append_part (out, "then", words_applied (decision));
    g_string_append (out, "</div></li>\n");
}

static void
append_decisions (GString *out, const Story *story, const char *letter)
{
    g_string_append_printf (out, "<section><h2>%s%sWhat was decided, and why</h2>\n", letter,
                            *letter ? ": " : "");
    if (story->decisions->len)
        g_string_append (out, "<p class=\"soft\">A dark number has turned something, at the dotted "
                              "line; a light one only says how it sees the way ahead.</p>\n");
    else
        g_string_append (out, "<p>The policy had nothing to say.</p>\n");
    g_string_append (out, "<ul class=\"decisions\">\n");
    for (guint i = 0; i < story->decisions->len; i++)
        append_decision (out, g_ptr_array_index (story->decisions, i));
    g_string_append (out, "</ul></section>\n");
}

static void
append_entries (GString *out, const Story *story)
{
    g_string_append (out, "<div class=\"scroll\"><table><tbody>\n");
    for (guint i = 0; i < story->entries->len; i++) {
        const StoryEntry *entry = g_ptr_array_index (story->entries, i);
        g_autofree char *time = words_time (entry->t_us);
        g_autofree char *text = words_entry (entry);

        append_text (out, "<tr><td class=\"when\">", time, "</td><td>");
        append_text (out, "", text, "</td></tr>\n");
    }
    g_string_append (out, "</tbody></table></div>\n");
}

static void
append_details (GString *out, const Story *story, const char *letter)
{
    const char *colon = *letter ? ": " : "";

    append_decisions (out, story, letter);
    if (story->entries->len) {
        g_string_append_printf (out,
                                "<details%s><summary>%s%sWhat else happened: %u lines</summary>\n",
                                story->entries->len <= MANY ? " open=\"open\"" : "", letter, colon,
                                story->entries->len);
        append_entries (out, story);
        g_string_append (out, "</details>\n");
    }
    if (story->plan) {
        g_string_append_printf (out,
                                "<details><summary>%s%sThe plan: what was set before the start"
                                "</summary>\n",
                                letter, colon);
        page_plan (out, story);
        g_string_append (out, "</details>\n");
    }
}

/* --- all of it ------------------------------------------------------------------------------- */

static void
append_head (GString *out, const Story *const stories[2])
{
    g_autofree char *vm = words_vm (stories[0]);
    g_autofree char *style = scene_style ();

    g_string_append (out,
                     "<!DOCTYPE html>\n<html xmlns=\"http://www.w3.org/1999/xhtml\" lang=\"en\">"
                     "<head><meta charset=\"utf-8\"/>\n<meta name=\"viewport\" "
                     "content=\"width=device-width, initial-scale=1\"/>\n"
                     "<meta name=\"color-scheme\" content=\"light dark\"/>\n");
    append_text (out, "<title>", vm, ": a migration by qmpmig</title>\n");
    g_string_append_printf (out, "<style>%s\n%s</style></head>\n<body><main>\n", page_style, style);
}

static void
append_foot (GString *out, const Story *const stories[2])
{
    g_string_append (out, "<footer>Drawn by qmpmig " QMPMIG_VERSION " from ");
    for (guint i = 0; i < 2 && stories[i]; i++) {
        g_autofree char *name = g_path_get_basename (stories[i]->path);

        append_text (out, i ? " and <code>" : "<code>", name, "</code>");
    }
    g_string_append (out, ".</footer>\n</main></body></html>\n");
}

char *
page_html (const Story *story, const Story *against)
{
    GString *out = g_string_new (NULL);
    const Story *const stories[2] = { story, against };

    append_head (out, stories);
    g_string_append (out, "<header>\n");
    append_outcome (out, story, against ? "A" : "");
    if (against)
        append_outcome (out, against, "B");
    g_string_append (out, "</header>\n<figure>\n");
    append_chart (out, stories, WIDE, "wide");
    append_chart (out, stories, NARROW, "narrow");
    g_string_append (out, "</figure>\n");
    append_details (out, story, against ? "A" : "");
    if (against)
        append_details (out, against, "B");
    page_facts (out, stories);
    append_foot (out, stories);
    return g_string_free (out, FALSE);
}
