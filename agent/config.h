/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Configuration files: [defaults] and [vm PATTERN] sections whose keys are the long options of
 * `migrate`, and [policy NAME] with that policy's own. Later files win over earlier ones, the
 * command line over all. What is read is checked at once, so that a mistake is found before
 * anything is contacted. */
#pragma once

#include "agent/options.h"

#define CONFIG_ERROR (config_error_quark ())
GQuark config_error_quark (void); /* one code, 0: a usage error */

typedef struct Config Config;

/* Where to search; NULL members are left out. */
typedef struct {
    const char *vendor_dir; /* its *.conf */
    const char *system_dir; /* qmpmig.conf, then qmpmig.conf.d/ *.conf */
    const char *user_dir;   /* qmpmig.conf */
} ConfigPlaces;

typedef struct {
    char *key;
    char *value;
    char *origin; /* "FILE:LINE", "environment", "command line" */
} ConfigValue;

typedef struct {
    char *pattern;     /* config_pattern_matches(); the name of a policy */
    GPtrArray *values; /* ConfigValue */
    GPtrArray *agent;  /* the same, of keys that only the service heeds */
} ConfigSection;

/* FILE instead of the usual places, if not NULL. */
Config *config_load (const char *file, GError **error);
Config *config_load_places (const ConfigPlaces *places, GError **error);
void config_free (Config *self);
G_DEFINE_AUTOPTR_CLEANUP_FUNC (Config, config_free)

/* $QMPMIG_POLICY; it wins over every file. Before config_give(). */
gboolean config_read_environment (Config *self, GError **error);
/* What the command line says; it wins over everything that was and will be read. */
gboolean config_give (Config *self, const char *key, const char *value, GError **error);

/* [defaults] and the command line. */
gboolean config_apply (const Config *self, MigrateOptions *options, GError **error);
/* The first [vm PATTERN] that matches (NAME and UUID may be NULL), then what it must not override
 * again: the environment, the command line; then the [policy NAME] of what was chosen. Once the VM
 * is known. */
gboolean config_apply_vm (const Config *self, MigrateOptions *options, const char *name,
                          const char *uuid, GError **error);

/* For --print-config: ConfigValue, the strongest last; ConfigSection, the first to match first. */
const GPtrArray *config_values (const Config *self);
const GPtrArray *config_sections (const Config *self);
const GPtrArray *config_policies (const Config *self);
const GPtrArray *config_agent (const Config *self); /* ConfigValue */
