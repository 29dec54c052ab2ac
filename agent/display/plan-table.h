/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include "agent/display/style.h"
#include "qmp/message.h"

/* Every capability and parameter of a plan, end by end, with the reason. HEADER may be NULL. */
void plan_table (const Style *style, GString *out, json_object *header, json_object *plan);
