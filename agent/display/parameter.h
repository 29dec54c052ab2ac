/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include "agent/display/style.h"
#include "qmp/message.h"

/* The value of QEMU's parameter NAME with its unit ("unlimited", "500 ms"), NULL for no value. */
char *parameter_text (const Style *style, const char *name, json_object *value);
