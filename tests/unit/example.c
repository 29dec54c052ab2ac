/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "tests/unit/example.h"

const char *const example_names[EXAMPLES] = {
    "precopy",   "postcopy",        "failed",      "undecided", "handed-over", "predicted",
    "cancelled", "postcopy-paused", "guest-ended", "left",      "planned",
};

static void
line_free (gpointer line)
{
    json_object_put (line);
}

GPtrArray *
example_read (const char *name)
{
    g_autofree char *path = g_strdup_printf ("%s/%s.jsonl", EXAMPLES_DIR, name);
    g_autofree char *text = NULL;
    g_auto (GStrv) lines = NULL;
    GPtrArray *parsed = g_ptr_array_new_with_free_func (line_free);

    g_assert_true (g_file_get_contents (path, &text, NULL, NULL));
    lines = g_strsplit (g_strchomp (text), "\n", -1);
    for (char **line = lines; *line; line++)
        g_ptr_array_add (parsed, json_tokener_parse (*line));
    return parsed;
}
