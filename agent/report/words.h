/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* What a line of the record says, for people. All text is clean (display/text.h), and the caller's.
 */
#pragma once

#include "agent/report/story.h"

char *words_time (gint64 t_us);
/* "3, at 4.92 s: passes do not shrink. Throttle 92 %, downtime limit 155 ms." */
char *words_decision (const StoryDecision *decision);
char *words_reason (const StoryDecision *decision);
/* What it asks for; NULL: nothing. */
char *words_wanted (const StoryDecision *decision);
/* How it sees the rest of the way; NULL: it does not say. */
char *words_foreseen (const StoryDecision *decision);
/* What was sent for it, what a guard changed, what QEMU refused; NULL: nothing was sent. */
char *words_applied (const StoryDecision *decision);
char *words_entry (const StoryEntry *entry);
/* The value of a key, by the unit at its end; NULL for what is no value. */
char *words_value (const char *key, json_object *value);

/* How it ended and where the guest is: the first line; then why, and what to do, line by line. */
char *words_headline (const Story *story);
GStrv words_instructions (const Story *story);
char *words_vm (const Story *story);
/* What it cost, on one line; "" where it is not known. */
char *words_cost (const Story *story);
/* What the guest lost by throttle and blackout; G_MAXUINT64: not known. */
guint64 words_work_lost_us (json_object *result);
