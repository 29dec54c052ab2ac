/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* The keys that a policy takes, from the lines of its config_help: "key=DEFAULT  what it means". */
#pragma once

#include <glib.h>

typedef struct {
    char *key;
    char *fallback; /* "" where there is none */
    char *text;
} PolicyKey;

/* In their order; what has not the form of such a line is left out. HELP may be NULL. */
GPtrArray *policy_keys_parse (const char *help);
/* FALSE with a sentence if HELP has no such key. */
gboolean policy_keys_check (const char *help, const char *policy, const char *key, GError **error);
