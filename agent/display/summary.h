/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include "agent/display/style.h"
#include "qmp/message.h"

/* How it ended: where the guest runs now comes first, what to type comes last, next to the prompt.
 * BRIEF: without the numbers. HEADER may be NULL. Whole lines. */
char *summary_text (const Style *style, json_object *header, json_object *result, gboolean brief);
