/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* What a prediction says to people: of `predict`, and of `migrate --predict`. */
#pragma once

#include "agent/display/style.h"
#include "qmp/message.h"

/* From a `prediction` line of docs/json.md. */
char *prediction_text (const Style *style, const char *vm, json_object *line);
/* "converges", "does not converge": of a `prediction` line, or of the result's `predicted`. */
const char *prediction_answer (json_object *line);
