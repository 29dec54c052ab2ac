/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "agent/named-value.h"

#include <string.h>

static void
named_value_free (gpointer data)
{
    NamedValue *self = data;

    g_free (self->name);
    g_free (self->value);
    g_free (self->origin);
    g_free (self);
}

GPtrArray *
named_values_new (void)
{
    return g_ptr_array_new_with_free_func (named_value_free);
}

NamedValue *
named_value_find (const GPtrArray *list, const char *name)
{
    for (guint i = 0; i < list->len; i++) {
        NamedValue *candidate = g_ptr_array_index (list, i);

        if (!strcmp (candidate->name, name))
            return candidate;
    }
    return NULL;
}

void
named_value_put (GPtrArray *list, const char *name, const char *value, const char *origin)
{
    NamedValue *found = named_value_find (list, name);

    if (!found) {
        found = g_new0 (NamedValue, 1);
        found->name = g_strdup (name);
        g_ptr_array_add (list, found);
    }
    g_free (found->value);
    g_free (found->origin);
    found->value = g_strdup (value);
    found->origin = g_strdup (origin);
}
