/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* What `predict` says to people. */
#pragma once

#include "agent/display/style.h"
#include "qmp/message.h"

/* From a `prediction` line of docs/json.md. */
char *predict_text (const Style *style, const char *vm, json_object *line);
