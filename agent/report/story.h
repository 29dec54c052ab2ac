/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* A trace (docs/json.md) as far as a picture of it needs: numbers over time, what was decided, what
 * else happened, and how it ended. */
#pragma once

#include "qmp/message.h"

typedef enum {
    SERIES_REMAINING,
    SERIES_RATE,
    SERIES_DIRTY,
    SERIES_THROTTLE,
    SERIES_IF_STOPPED,
    SERIES_DOWNTIME_LIMIT,
    SERIES_MAX_DOWNTIME,
    N_SERIES
} Series;

typedef struct {
    gint64 t_us;
    guint64 pass; /* the one that runs, from 1 on; 0: not known */
    gboolean postcopy, stopped;
    double values[N_SERIES]; /* NAN: not known */
} StorySample;

/* What the policy said once, and what became of it. */
typedef struct {
    guint number; /* from 1 on */
    gint64 t_us;
    gboolean turns; /* it asks for something; else it only foresees */
    json_object *advice;
    GPtrArray *applied; /* json_object */
} StoryDecision;

/* Everything else of the record: an event, a notice, what was sent without advice, a later header.
 */
typedef struct {
    gint64 t_us;
    json_object *line;
} StoryEntry;

typedef struct {
    gint64 from_us, to_us;
    guint64 number;
} StorySpan;

typedef enum { STORY_ENDED, STORY_RUNNING, STORY_LEFT } StoryState;

typedef struct {
    char *path;
    json_object *header; /* the first */
    json_object *plan;   /* the last; NULL: none */
    json_object *result; /* the last; NULL: none */
    StoryState state;
    gboolean observed_only;
    gboolean torn;        /* the last line was not written whole */
    gint64 end_us;        /* of the last line */
    GArray *samples;      /* StorySample */
    GPtrArray *decisions; /* StoryDecision */
    GPtrArray *entries;   /* StoryEntry */
    GArray *passes;       /* StorySpan */
    GArray *postcopy;     /* StorySpan: where it was in postcopy */
    GArray *stopped;      /* StorySpan: where the guest ran nowhere */
} Story;

/* The trace in the file PATH, plain or gzip. Errors name file and line. */
Story *story_read (const char *path, GError **error);
void story_free (Story *self);
G_DEFINE_AUTOPTR_CLEANUP_FUNC (Story, story_free)

/* For story_read() alone: an empty one; a line that is no sample and not the first header; and from
 * samples and events to spans. */
Story *story_new (const char *path);
void story_add (Story *self, json_object *line, gint64 t_us);
void story_find_spans (Story *self);
