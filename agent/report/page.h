/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* A migration, or two, as one HTML page that needs nothing else. */
#pragma once

#include "agent/report/story.h"

/* AGAINST may be NULL. Owned by the caller. */
char *page_html (const Story *story, const Story *against);

/* page-facts.c: tables of what the header and the result say, and of the plan. */
void page_facts (GString *out, const Story *const stories[2]);
void page_plan (GString *out, const Story *story);
