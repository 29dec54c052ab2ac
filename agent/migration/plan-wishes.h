/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* A wish is what somebody wants of a capability, and why; the operator's wishes come first and must
 * be granted, ours give way. */
#pragma once

#include "agent/migration/plan-internal.h"

typedef struct {
    gboolean on;
    gboolean asked; /* by the operator */
    char *reason;
} Wish;

/* {name: Wish}, of the operator, the policy and us. Owned by the caller. */
GHashTable *wishes_new (const Planner *p, GError **error);
gboolean wishes_have (GHashTable *wishes, const char *name);
/* It shall be off. */
gboolean wishes_refuse (GHashTable *wishes, const char *name);
/* Why postcopy cannot be armed, NULL when it can. */
const char *wishes_postcopy_obstacle (const Planner *p, GHashTable *wishes);
