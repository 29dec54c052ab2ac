/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* A migration that was recorded (a trace), as far as it can be gone through again: what QEMU said,
 * what was commanded and when, and how it ended. */
#pragma once

#include "agent/simulate/simulation.h"

typedef struct {
    json_object *header;
    json_object *result; /* NULL: the record has no end */
    GArray *samples;     /* Sample, the first to the last */
    SimCourse course;
    guint64 qemu_downtime_us; /* SAMPLE_UNKNOWN: not told */
} Recording;

/* NAME: a file, plain or gzip, or one out of the list of `history`. Errors name it. */
gboolean recording_read (Recording *self, const char *name, GError **error);
void recording_clear (Recording *self);
G_DEFINE_AUTO_CLEANUP_CLEAR_FUNC (Recording, recording_clear)
