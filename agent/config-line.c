/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "agent/config-line.h"

#include <string.h>

static gboolean
is_group_line (const char *line, const char *group)
{
    size_t length = group ? strlen (group) : 0;

    return line[0] == '[' && strchr (line, ']') &&
           (!group || (!strncmp (line + 1, group, length) && line[length + 1] == ']'));
}

static gboolean
is_key_line (const char *line, const char *key)
{
    size_t length = strlen (key);

    return !strncmp (line, key, length) && line[length + strspn (line + length, " \t")] == '=';
}

guint
config_find_line (const char *text, const char *group, const char *key)
{
    g_auto (GStrv) lines = g_strsplit (text, "\n", -1);
    gboolean inside = FALSE;
    guint found = 0;

    for (guint i = 0; lines[i]; i++) {
        char *line = g_strstrip (lines[i]);

        if (line[0] == '[')
            inside = is_group_line (line, group);
        if (inside && (key ? is_key_line (line, key) : line[0] == '['))
            found = i + 1;
    }
    return found;
}

guint
config_find_bad_line (const char *text)
{
    g_auto (GStrv) lines = g_strsplit (text, "\n", -1);
    gboolean in_group = FALSE;

    for (guint i = 0; lines[i]; i++) {
        char *line = g_strstrip (lines[i]);

        if (line[0] == '\0' || line[0] == '#')
            continue;
        if (is_group_line (line, NULL))
            in_group = TRUE;
        else if (!in_group || line[0] == '[' || line[0] == '=' || !strchr (line, '='))
            return i + 1;
    }
    return 0;
}
