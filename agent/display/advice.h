/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* What the policy wants and what was sent, as far as it is news. */
#pragma once

#include "agent/display/style.h"
#include "qmp/message.h"

typedef struct {
    guint64 throttle_pct, downtime_limit_us; /* as last told */
    char *action;
    char *reason;
} AdviceNews;

void advice_news_clear (AdviceNews *self);
/* Words for a line that begins with "policy:", or NULL. With --verbose, whatever is no repetition.
 */
char *advice_text (AdviceNews *self, const Style *style, json_object *advice);
/* What was sent, or NULL: with --verbose, and where QEMU refused it. */
char *advice_applied_text (const Style *style, json_object *applied);
