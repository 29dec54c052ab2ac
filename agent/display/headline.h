/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* The first line of how it ended: where the guest runs now. */
#pragma once

#include "agent/display/style.h"
#include "qmp/message.h"

/* HEADER may be NULL. */
void headline_append (const Style *style, GString *out, json_object *header, json_object *result);
