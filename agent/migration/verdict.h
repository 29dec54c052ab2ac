/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* What a migration's end is called: the result's sentences, what to check, what to type. The text
 * says why; where the guest is now stands beside it. */
#pragma once

#include "agent/migration/migration.h"

void verdict_source_keeps (Migration *m, const GError *why); /* WHY may be NULL */
void verdict_arrived (Migration *m);
void verdict_handed_over (Migration *m);
void verdict_postcopy_paused (Migration *m, const SettleView *view, const char *why);
void verdict_guest_ended (Migration *m, const char *why);
void verdict_undecided (Migration *m, const SettleView *view, const char *why);
/* We go; the migration does not. */
void verdict_left (Migration *m, const char *why);
