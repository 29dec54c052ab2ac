/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* The switch to postcopy of a migration that none of ours steers. */
#pragma once

#include "agent/commands/look.h"

/* Can it switch? MIGRATE_ERROR, EXIT_REFUSED if not. */
gboolean postcopy_check (Reach *reach, const Look *look, GError **error);
/* Switches, and says what that means and what came of it. */
gboolean postcopy_switch (Reach *reach, GError **error);

/* QEMU stands in pre-switchover with the guest stopped and waits for somebody. Where no disk is
 * being copied nothing keeps it, and it is told to go on; else *ret_waits, and what to do is said.
 */
gboolean switchover_continue (Reach *reach, gboolean *ret_waits, GError **error);
