/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Policies, for people, from the lines of `policies`. */
#pragma once

#include "agent/display/style.h"
#include "qmp/message.h"

/* LINES are json_object. Owned by the caller, as all here. */
char *policy_table (const Style *style, const GPtrArray *lines);
/* One of them with its options. */
char *policy_table_one (const Style *style, json_object *line);
