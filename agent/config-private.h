/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* What the reader of a file and the object that it fills share. */
#pragma once

#include "agent/config-vm.h"

struct Config {
    GPtrArray *values;
    guint files;             /* so many of VALUES are from files, */
    guint stronger;          /* up to here from the environment; the rest is the command line's */
    GPtrArray *sections;     /* [vm PATTERN] */
    GPtrArray *policies;     /* [policy NAME]; the pattern is the name */
    GPtrArray *agent;        /* [agent] */
    MigrateOptions *scratch; /* where the values are tried */
};

Config *config_new (void);
/* The first [vm PATTERN] that means such a one, or NULL. Borrowed. */
const ConfigSection *config_find_vm (const Config *self, const Traits *traits);
/* VALUE NULL: a flag without one. All is copied. */
void config_add_value (GPtrArray *values, const char *key, const char *value, const char *origin);
/* Borrowed from SECTIONS. */
ConfigSection *config_add_section (GPtrArray *sections, guint index, const char *pattern);

/* config-file.c. A file that is not there is fine unless it was asked for. */
gboolean config_read_file (Config *self, const char *path, gboolean is_required, GError **error);
