/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include "agent/display/style.h"
#include "qmp/message.h"

/* A VM and its migration as a block of lines. HEADER and RESULT may be NULL; PID is that of the
 * qmpmig that steers, 0 for nobody. */
char *status_text (const Style *style, json_object *header, json_object *sample,
                   json_object *result, pid_t pid);
