/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* The guest that a recorded migration was of, as far as the record shows it: what the simulator can
 * be given instead of a description. Into it go the memory, the share of zero pages, the rate of
 * the link, how much the guest had written whenever QEMU looked, and what its deltas were like; not
 * how long anything took, nor when it was over. Pure. */
#pragma once

#include "agent/predict/recording.h"

typedef struct {
    guint64 memory_bytes;
    guint64 link_bytes_per_s;
    char *terms; /* for workload_parse() */
} Likeness;

/* FALSE: the record has too little. */
gboolean likeness_take (Likeness *self, const Recording *recording, GError **error);
void likeness_clear (Likeness *self);
G_DEFINE_AUTO_CLEANUP_CLEAR_FUNC (Likeness, likeness_clear)
