/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Where something stands in a key file, which GKeyFile does not tell. Lines count from 1. */
#pragma once

#include <glib.h>

/* The last line of KEY in GROUP, as the last one counts; KEY NULL: the group's own line. 0: none.
 */
guint config_find_line (const char *text, const char *group, const char *key);
/* The first line that is nothing a key file has, or 0. */
guint config_find_bad_line (const char *text);
