/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* What both ends can do together: every capability and parameter to be set, each with its reason,
 * from what the QEMUs report and never from a version number. Pure: it sends nothing. */
#pragma once

#include "agent/migration/uri.h"
#include "agent/migration/vm.h"
#include "agent/options.h"

typedef struct {
    End end;
    char *name;
    gboolean value;
    gboolean before;
    char *reason;
} PlanCapability;

typedef struct {
    End end;
    char *name;
    json_object *value;
    json_object *before; /* NULL: was not set */
    char *reason;
} PlanParameter;

typedef struct {
    GPtrArray *capabilities; /* PlanCapability */
    GPtrArray *parameters;   /* PlanParameter */
    GPtrArray *warnings;     /* char * */
    PostcopyMode postcopy;   /* never POSTCOPY_AUTO */
    gboolean steers_throttle;
    guint64 first_downtime_limit_us; /* in force at the start */
    guint max_throttle_pct;          /* after the cap on a single stall */
} Plan;

/* Only the schema of VM tells whether OPTIONS can be done: a compression's name, a parameter that
 * is listed only while it is set, postcopy beside multifd. plan_new() takes what was not read for
 * "no". */
gboolean plan_needs_schema (const MigrateOptions *options, const Vm *vm);

/* Both ends, or one of them (the other NULL). Refusals are MIGRATE_ERROR with EXIT_REFUSED and name
 * the end, the capability and that QEMU's version; nothing was touched. */
Plan *plan_new (const MigrateOptions *options, const MigrationUri *uri, const Vm *source,
                const Vm *destination, GError **error);
void plan_free (Plan *self);
G_DEFINE_AUTOPTR_CLEANUP_FUNC (Plan, plan_free)

/* The strongest throttle, in percent, that never lets the guest stand still for longer. */
guint plan_throttle_cap (guint64 stall_us);

gboolean plan_capability (const Plan *self, End end, const char *name);

/* Arguments of migrate-set-capabilities for that end: what the plan changes, or (BEFORE) that as it
 * was found. QEMU reads a command byte by byte, 3 us each, so what is as it should be is not said
 * again. NULL when nothing changes. Owned by the caller. */
json_object *plan_capability_arguments (const Plan *self, End end, gboolean before);
/* Likewise of migrate-set-parameters. */
json_object *plan_parameter_arguments (const Plan *self, End end, gboolean before);
/* Without type, t_us and id. */
json_object *plan_to_json (const Plan *self, gboolean dry_run);
