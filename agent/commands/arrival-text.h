/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* A receiving end, in words: what it waits for, and what is to be done about it. */
#pragma once

#include "agent/display/style.h"
#include "qmp/message.h"

/* Is SAMPLE that of a receiving end? */
gboolean arrival_is_told (json_object *sample);
/* "web1: inmigrate; listens for a guest, and none has come yet" */
void arrival_append_head (const Style *style, GString *out, const char *name, json_object *sample);
/* The rows below it. What nobody of ours does is advised where IS_ALONE. */
void arrival_append_rows (const Style *style, GString *out, json_object *header,
                          json_object *sample, gboolean is_alone);
