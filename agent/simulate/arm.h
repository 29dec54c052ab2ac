/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* What a simulated migration begins with: the policy in its seat, what it wants armed, and the
 * parameters that follow, as the plan of a real one would set them. */
#pragma once

#include "agent/simulate/simulation.h"
#include "agent/steering/policy.h"
#include "agent/steering/tracker.h"

/* The operator's. */
void arm_limits (const MigrateOptions *options, Limits *limits);
/* The `plan` of a record: what is armed, and set at first. */
json_object *arm_to_json (const ThreadSetup *setup, json_object *parameters, gboolean postcopy_now);
/* The policy; *setup gets the capabilities, *ret_limits the operator's limits, *ret_may the knobs
 * (QMPMIG_MAY_), *ret_parameters what is set at first. */
Policy *arm_policy (const Simulation *simulation, ThreadSetup *setup, Limits *ret_limits,
                    gboolean *ret_steers_throttle, guint64 *ret_may, json_object **ret_parameters,
                    GError **error);
