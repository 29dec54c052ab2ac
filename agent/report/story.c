/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "agent/report/story.h"

#include <string.h>

#include "qmp/value.h"

/* --- decisions ------------------------------------------------------------------------------- */

static void
put_object (gpointer object)
{
    json_object_put (object);
}

static void
decision_free (gpointer data)
{
    StoryDecision *self = data;

    json_object_put (self->advice);
    g_ptr_array_unref (self->applied);
    g_free (self);
}

static void
entry_free (gpointer data)
{
    StoryEntry *self = data;

    json_object_put (self->line);
    g_free (self);
}

static gboolean
turns_something (json_object *advice)
{
    static const char *const knobs[] = {
        "throttle_pct",
        "downtime_limit_us",
        "xbzrle_cache_bytes",
        "bandwidth_bytes_per_s",
        "dirty_limit_bytes_per_s",
        "postcopy_bandwidth_bytes_per_s",
        "switchover_bandwidth_bytes_per_s",
    };

    for (guint i = 0; i < G_N_ELEMENTS (knobs); i++)
        if (qmp_peek (advice, knobs[i]))
            return TRUE;
    return strcmp (qmp_peek_string (advice, "action", "none"), "none") != 0;
}

static void
add_decision (Story *story, json_object *line, gint64 t_us)
{
    StoryDecision *decision = g_new0 (StoryDecision, 1);

    decision->number = story->decisions->len + 1;
    decision->t_us = t_us;
    decision->turns = turns_something (line);
    decision->advice = json_object_get (line);
    decision->applied = g_ptr_array_new_with_free_func (put_object);
    g_ptr_array_add (story->decisions, decision);
}

static void
add_entry (Story *story, json_object *line, gint64 t_us)
{
    StoryEntry *entry = g_new0 (StoryEntry, 1);

    entry->t_us = t_us;
    entry->line = json_object_get (line);
    g_ptr_array_add (story->entries, entry);
}

/* What was sent goes with the advice before it, if that asked for something and has no answer. */
static void
add_applied (Story *story, json_object *line, gint64 t_us)
{
    StoryDecision *last = story->decisions->len
                              ? g_ptr_array_index (story->decisions, story->decisions->len - 1)
                              : NULL;

    if (last && last->turns && !last->applied->len)
        g_ptr_array_add (last->applied, json_object_get (line));
    else
        add_entry (story, line, t_us);
}

/* --- lines ----------------------------------------------------------------------------------- */

static void
keep (json_object **slot, json_object *line)
{
    if (*slot)
        json_object_put (*slot);
    *slot = json_object_get (line);
}

void
story_add (Story *self, json_object *line, gint64 t_us)
{
    const char *type = qmp_peek_string (line, "type", "");

    if (!strcmp (type, "plan"))
        keep (&self->plan, line);
    else if (!strcmp (type, "advice"))
        add_decision (self, line, t_us);
    else if (!strcmp (type, "applied"))
        add_applied (self, line, t_us);
    else if (!strcmp (type, "event") || !strcmp (type, "notice") || !strcmp (type, "header"))
        add_entry (self, line, t_us);
    else if (!strcmp (type, "result"))
        keep (&self->result, line);
}

/* --- the whole ------------------------------------------------------------------------------- */

Story *
story_new (const char *path)
{
    Story *self = g_new0 (Story, 1);

    self->path = g_strdup (path);
    self->samples = g_array_new (FALSE, FALSE, sizeof (StorySample));
    self->decisions = g_ptr_array_new_with_free_func (decision_free);
    self->entries = g_ptr_array_new_with_free_func (entry_free);
    self->passes = g_array_new (FALSE, FALSE, sizeof (StorySpan));
    self->postcopy = g_array_new (FALSE, FALSE, sizeof (StorySpan));
    self->stopped = g_array_new (FALSE, FALSE, sizeof (StorySpan));
    return self;
}

void
story_free (Story *self)
{
    if (!self)
        return;
    g_free (self->path);
    g_clear_pointer (&self->header, json_object_put);
    g_clear_pointer (&self->plan, json_object_put);
    g_clear_pointer (&self->result, json_object_put);
    g_array_unref (self->samples);
    g_ptr_array_unref (self->decisions);
    g_ptr_array_unref (self->entries);
    g_array_unref (self->passes);
    g_array_unref (self->postcopy);
    g_array_unref (self->stopped);
    g_free (self);
}
