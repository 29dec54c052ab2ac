/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include "agent/display/style.h"
#include "qmp/message.h"

/* What will be set and why: everything with --dry-run or --verbose, else what matters. HEADER may
 * be NULL. Whole lines. */
char *plan_text (const Style *style, json_object *header, json_object *plan);
