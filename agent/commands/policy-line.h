/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* An installed policy, as a line of docs/json.md without what begins one. */
#pragma once

#include "agent/steering/policy-library.h"
#include "qmp/message.h"

json_object *policy_line_new (const PolicyLibrary *library);
/* The same for one that is not loaded. */
json_object *policy_line_refused (const char *name, const GError *why);
