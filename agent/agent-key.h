/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* The keys that only the service heeds: those of [agent], some of which [vm PATTERN] may have too.
 */
#pragma once

#include <glib.h>

gboolean agent_key_is_known (const char *key, gboolean in_vm);
/* The keys by number; NULL behind the last. */
const char *agent_key_name (guint index, gboolean in_vm);
/* Checks TEXT; an error names the key. */
gboolean agent_key_check (const char *key, const char *text, GError **error);
