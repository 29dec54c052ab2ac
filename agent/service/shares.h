/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* What each migration is told of its share of the link that all leave over (link.h divides it). */
#pragma once

#include "agent/config.h"

/* ENTRIES: of Entry. Anew whenever one comes, goes or wants something else: once a second will do.
 */
void shares_divide (GPtrArray *entries, const Config *config);
