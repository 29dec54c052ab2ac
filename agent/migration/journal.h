/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* What `recover` needs to know when qmpmig was killed: written and synced before the act that it
 * speaks of. One file a migration, STATE/journal/ID.json: the first line has the facts, each later
 * line a step; a torn last line counts as not written. Whoever steers holds a lock on the file. */
#pragma once

#include "agent/migration/status.h"
#include "qmp/address.h"
#include "qmp/message.h"

/* In the order in which they may come. A step that is written may or may not have happened; one
 * that is not written did not happen. */
typedef enum {
    JOURNAL_BEGUN,       /* the facts */
    JOURNAL_AUTOSTART,   /* the destination was told `stop`: it cannot start by itself */
    JOURNAL_STOPPED,     /* we stopped the guest on the source */
    JOURNAL_STARTED,     /* migrate was sent */
    JOURNAL_OWNED,       /* switched to postcopy: the destination owns the guest */
    JOURNAL_TOLD_TO_RUN, /* the destination may have been told `cont` */
    JOURNAL_ARRIVED,     /* the destination was seen in its final run state */
    JOURNAL_ABANDONED,   /* settled for the source; the destination's copy is stale */
} JournalStep;

typedef struct Journal Journal;

Journal *journal_begin (const char *id, json_object *facts, GError **error); /* takes FACTS */
/* Returns once the step is on the disk. Written already: TRUE at once. */
gboolean journal_step (Journal *self, JournalStep step, GError **error);
/* What was announced was not done, and will not be without another journal_step(). */
gboolean journal_retract (Journal *self, JournalStep step, GError **error);
/* A fact that was not known at the beginning; it replaces an older one of that name. */
gboolean journal_note (Journal *self, const char *name, const char *value, GError **error);
/* One that was found becomes ours: until now nothing was written to it. */
gboolean journal_take_over (Journal *self, GError **error);
gboolean journal_has (const Journal *self, JournalStep step);
json_object *journal_facts (Journal *self); /* borrowed */
const char *journal_id (const Journal *self);
/* The guest's fate is settled: the file goes. */
void journal_finish (Journal *self);
/* Closes it; the file stays for `recover` unless it was finished. NULL is fine. */
void journal_close (Journal *self);
G_DEFINE_AUTOPTR_CLEANUP_FUNC (Journal, journal_close)

/* The newest unfinished journal with MONITOR as one of its ends, locked for us; NULL without error
 * when there is none. One that a living qmpmig holds is an error naming its pid. */
Journal *journal_find (const QmpAddress *monitor, GError **error);
