/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "agent/comma-list.h"

#include <string.h>

GStrv
comma_list_split (const char *text)
{
    g_autoptr (GPtrArray) items = g_ptr_array_new ();
    g_autoptr (GString) item = g_string_new (NULL);

    for (;; text++) {
        if (text[0] == ',' && text[1] == ',') {
            g_string_append_c (item, ',');
            text++;
        } else if (*text && *text != ',') {
            g_string_append_c (item, *text);
        } else {
            g_ptr_array_add (items, g_strdup (item->str));
            g_string_truncate (item, 0);
            if (!*text)
                break;
        }
    }
    g_ptr_array_add (items, NULL);
    return (GStrv)g_ptr_array_free (g_steal_pointer (&items), FALSE);
}

const char *
comma_list_get (const char *const *items, const char *key)
{
    size_t length = strlen (key);
    const char *found = NULL;

    for (; *items; items++) {
        if (!strncmp (*items, key, length) && (*items)[length] == '=')
            found = *items + length + 1;
        else if (!strcmp (*items, key))
            found = "";
    }
    return found;
}
