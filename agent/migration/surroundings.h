/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* What a migration knows of what goes on around it, from whoever runs several at once and from
 * whoever started it. All zero: it is alone, and nobody will give it up. */
#pragma once

#include "agent/migration/abort-clock.h"

typedef struct {
    guint others;                  /* that send over the same link */
    guint share_pct;               /* of the link; 0: not known */
    guint64 bandwidth_bytes_per_s; /* what that comes to; 0: no limit */
} LinkShare;

typedef struct {
    AbortClock abort; /* set before the migration's thread looks */
    GMutex lock;
    LinkShare share; /* under the lock */
} Surroundings;

/* Any thread. */
void surroundings_set_share (Surroundings *self, const LinkShare *share);
LinkShare surroundings_share (Surroundings *self);
