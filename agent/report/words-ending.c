/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include <string.h>

#include "agent/display/heading.h"
#include "agent/display/summary.h"
#include "agent/report/words.h"
#include "agent/units.h"
#include "qmp/value.h"

static const Style plain = { .utf8 = TRUE };

char *
words_vm (const Story *story)
{
    return heading_vm_name (&plain, story->header);
}

static GStrv
summary_lines (const Story *story)
{
    g_autofree char *text = summary_text (&plain, story->header, story->result, TRUE);

    return g_strsplit (g_strchomp (text), "\n", -1);
}

char *
words_headline (const Story *story)
{
    g_auto (GStrv) lines = NULL;
    g_autofree char *at = words_time (story->end_us);
    g_autofree char *vm = words_vm (story);

    switch (story->state) {
    case STORY_ENDED:
        lines = summary_lines (story);
        return g_strdup (lines[0]);
    case STORY_RUNNING:
        return g_strdup_printf ("On its way: %s had been moving for %s when this was drawn.", vm,
                                at);
    case STORY_LEFT:
        return g_strdup_printf ("Left: the record of %s ends after %s without an outcome, because "
                                "its qmpmig was killed. The migration may have gone on.",
                                vm, at);
    }
    return NULL;
}

GStrv
words_instructions (const Story *story)
{
    g_auto (GStrv) lines = NULL;

    if (story->state != STORY_ENDED)
        return g_new0 (char *, 1);
    lines = summary_lines (story);
    return g_strdupv (lines + 1);
}

guint64
words_work_lost_us (json_object *result)
{
    guint64 throttled_us = qmp_peek_uint (result, "throttle_integral_us", G_MAXUINT64);
    guint64 blackout_us = qmp_peek_uint (result, "blackout_us", G_MAXUINT64);

    if (qmp_peek (result, "work_lost_us"))
        return qmp_peek_uint (result, "work_lost_us", G_MAXUINT64);
    if (throttled_us > G_MAXUINT64 / 4 || blackout_us > G_MAXUINT64 / 4)
        return G_MAXUINT64;
    return throttled_us + blackout_us;
}

static void
append_cost (GString *out, const char *name, char *value)
{
    g_autofree char *owned = value;

    if (owned)
        g_string_append_printf (out, "%s%s%s", out->len ? ", " : "", name, owned);
}

char *
words_cost (const Story *story)
{
    g_autoptr (GString) out = g_string_new (NULL);
    json_object *result = story->result;
    guint64 lost_us = words_work_lost_us (result);
    json_object *passes = qmp_peek (result, "passes");

    append_cost (out, "total time ", words_value ("total_us", qmp_peek (result, "total_us")));
    append_cost (out, "predicted ",
                 words_value ("total_us", qmp_peek (result, "predicted.total_us")));
    append_cost (out, "blackout ", words_value ("blackout_us", qmp_peek (result, "blackout_us")));
    append_cost (out, "work lost ", lost_us == G_MAXUINT64 ? NULL : units_format_time (lost_us));
    append_cost (out, "sent ", words_value ("sent_bytes", qmp_peek (result, "sent_bytes")));
    append_cost (out, "passes ", passes ? words_value ("passes", passes) : NULL);
    return g_strdup (out->str);
}
