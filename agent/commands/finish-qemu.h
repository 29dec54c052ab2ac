/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Ending a migration that none of ours steers. */
#pragma once

#include "agent/commands/reach.h"

/* BY: "downtime", "postcopy", "pause", or NULL for the mildest that is permitted. Says what it will
 * cost, does it, waits, and says how it ended. */
gboolean finish_at_qemu (Reach *reach, const char *by, GError **error);

/* BLACKOUT_US may be SAMPLE_UNKNOWN. */
void finish_say_expected (Reach *reach, guint64 remaining_bytes, guint64 bandwidth,
                          guint64 blackout_us);
