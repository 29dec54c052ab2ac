/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Lists of NAME=VALUE, as --cap, --param and --policy have them. A name is there once. */
#pragma once

#include <glib.h>

typedef struct {
    char *name;
    char *value;
    char *origin; /* "FILE:LINE"; NULL: given where the list is */
} NamedValue;

GPtrArray *named_values_new (void);
NamedValue *named_value_find (const GPtrArray *list, const char *name); /* borrowed, or NULL */
/* One of that name is replaced. All is copied. */
void named_value_put (GPtrArray *list, const char *name, const char *value, const char *origin);
