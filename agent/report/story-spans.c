/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include <string.h>

#include "agent/report/story.h"
#include "qmp/value.h"

static void
open_span (GArray *spans, gint64 from_us, guint64 number)
{
    StorySpan span = { .from_us = from_us, .to_us = -1, .number = number };

    g_array_append_val (spans, span);
}

static StorySpan *
open_one (GArray *spans)
{
    StorySpan *last = spans->len ? &g_array_index (spans, StorySpan, spans->len - 1) : NULL;

    return last && last->to_us < 0 ? last : NULL;
}

static void
close_span (GArray *spans, gint64 to_us)
{
    StorySpan *last = open_one (spans);

    if (last)
        last->to_us = MAX (to_us, last->from_us);
}

static void
begin_pass (Story *self, gint64 t_us, guint64 number)
{
    StorySpan *last = open_one (self->passes);

    if (last && last->number == number)
        return;
    close_span (self->passes, t_us);
    open_span (self->passes, t_us, number);
}

/* QEMU's events tell to the millisecond; without them, the samples do as well as they can. */
static gboolean
passes_from_events (Story *self)
{
    for (guint i = 0; i < self->entries->len; i++) {
        const StoryEntry *entry = g_ptr_array_index (self->entries, i);
        guint64 pass = qmp_peek_uint (entry->line, "data.pass", 0);

        /* Those who join a migration, or an old QEMU, have not heard of the first. */
        if (pass > 1 && !self->passes->len && self->samples->len)
            begin_pass (self, g_array_index (self->samples, StorySample, 0).t_us, pass - 1);
        if (pass && !strcmp (qmp_peek_string (entry->line, "name", ""), "MIGRATION_PASS"))
            begin_pass (self, entry->t_us, pass);
    }
    return self->passes->len > 0;
}

static gboolean
stopped_from_events (Story *self)
{
    for (guint i = 0; i < self->entries->len; i++) {
        const StoryEntry *entry = g_ptr_array_index (self->entries, i);
        const char *name = qmp_peek_string (entry->line, "name", "");

        if (!strcmp (name, "STOP") && !open_one (self->stopped))
            open_span (self->stopped, entry->t_us, 0);
        else if (!strcmp (name, "RESUME"))
            close_span (self->stopped, entry->t_us);
    }
    return self->stopped->len > 0;
}

static void
follow (GArray *spans, gint64 t_us, gboolean is_so)
{
    if (is_so && !open_one (spans))
        open_span (spans, t_us, 0);
    else if (!is_so)
        close_span (spans, t_us);
}

void
story_find_spans (Story *self)
{
    gboolean has_passes = passes_from_events (self);
    gboolean has_stops = stopped_from_events (self);

    for (guint i = 0; i < self->samples->len; i++) {
        const StorySample *sample = &g_array_index (self->samples, StorySample, i);

        if (!has_passes && sample->pass && !sample->postcopy)
            begin_pass (self, sample->t_us, sample->pass);
        if (!has_stops)
            follow (self->stopped, sample->t_us, sample->stopped && !sample->postcopy);
        if (sample->postcopy)
            close_span (self->passes, sample->t_us);
        follow (self->postcopy, sample->t_us, sample->postcopy);
    }
    close_span (self->passes, self->end_us);
    close_span (self->stopped, self->end_us);
    close_span (self->postcopy, self->end_us);
}
