/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* The options of all commands are looked up together, because the command's word may come after
 * them. So a name must take an argument in every command that has it, or in none (test-line.c). */
#pragma once

#include "agent/options.h"

/* NULL: there is none. */
const OptionSpec *line_spec_by_name (const char *name);
const OptionSpec *line_spec_by_letter (char letter);
/* Of one table, which ends with {0} and may be NULL, or of what GET has by number. */
const OptionSpec *line_spec_in_table (const OptionSpec *table, const char *name);
const OptionSpec *line_spec_in_list (const OptionSpec *(*get) (guint), const char *name);
/* The name that may have been meant, or NULL. */
const char *line_spec_nearest (const char *name);
