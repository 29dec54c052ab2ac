/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Shared by the plan's files only. */
#pragma once

#include "agent/migration/plan.h"

typedef struct {
    Plan *plan;
    const MigrateOptions *options;
    const MigrationUri *uri;
    const Vm *source;      /* NULL: not reachable */
    const Vm *destination; /* NULL: not reachable */
} Planner;

/* Are the ends what they should be, and do they fit together? */
gboolean plan_check_ends (const Planner *p, GError **error);
gboolean plan_choose_capabilities (Planner *p, GError **error);
gboolean plan_choose_parameters (Planner *p, GError **error);

void plan_warn (Plan *plan, const char *format, ...) G_GNUC_PRINTF (2, 3);
/* The end that answers for END, or NULL. */
const Vm *planner_vm (const Planner *p, End end);
gboolean planner_both_report (const Planner *p, const char *capability);
gboolean planner_is_two_ended (const Planner *p);
/* --throttle, or what the policy wants where that says nothing else. */
ThrottleMode planner_throttle (const Planner *p);
gboolean planner_is_armed (const Planner *p, guint64 bit); /* QMPMIG_PLAN_, by the policy */
