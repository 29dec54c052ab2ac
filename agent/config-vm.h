/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* What a VM can be known by, and what the configuration says of such a one. */
#pragma once

#include "agent/config.h"

typedef struct {
    char *name;
    char *uuid;
    char *flavor;      /* Nova's; NULL: none known */
    char *manager;     /* "nova", "vdsm"; NULL: nobody known */
    GHashTable *specs; /* Nova's extra specs, {key: value}; NULL: none known */
} Traits;

void traits_set (Traits *self, const char *name, const char *uuid); /* where they are known */
void traits_free (Traits *self);
G_DEFINE_AUTOPTR_CLEANUP_FUNC (Traits, traits_free)

/* Does [vm PATTERN] mean such a one? "uuid:UUID", "flavor:GLOB", "spec:KEY=GLOB", or a glob on the
 * name. */
gboolean config_pattern_matches (const char *pattern, const Traits *traits);
/* FALSE: it starts with a word and a colon that mean nothing. */
gboolean config_pattern_is_known (const char *pattern);

/* The value of a key of the service (agent-key.h) in the first [vm] section that matches, then in
 * [agent]; NULL: none. */
const char *config_vm_value (const Config *self, const Traits *traits, const char *key);
const char *config_agent_value (const Config *self, const char *key);
/* As config_apply_vm(). */
gboolean config_apply_traits (const Config *self, MigrateOptions *options, const Traits *traits,
                              GError **error);
/* The same files, to be given other options. */
Config *config_copy (const Config *self);
