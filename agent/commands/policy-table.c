/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "agent/commands/policy-table.h"

#include <string.h>

#include "agent/display/columns.h"
#include "agent/display/text.h"
#include "qmp/value.h"

static char *
word (const Style *style, json_object *line, const char *path)
{
    char *text = text_peek (style, line, path);

    return text ? text : g_strdup ("-");
}

static GPtrArray *
rows_new (const char *first, const char *second, const char *third)
{
    GPtrArray *rows = g_ptr_array_new_with_free_func ((GDestroyNotify)g_strfreev);
    const char *titles[] = { first, second, third, NULL };

    g_ptr_array_add (rows, g_strdupv ((char **)titles));
    return rows;
}

static void
add_row (const Style *style, GPtrArray *rows, json_object *object, const char *const *paths)
{
    char **row = g_new0 (char *, 4);

    for (guint i = 0; i < 3; i++)
        row[i] = word (style, object, paths[i]);
    g_ptr_array_add (rows, row);
}

static Ink
ink_refused (guint column, const char *cell)
{
    return column == 2 && g_str_has_prefix (cell, "refused: ") ? INK_BAD : INK_PLAIN;
}

char *
policy_table (const Style *style, const GPtrArray *lines)
{
    static const char *const paths[] = { "name", "version", "description" };
    g_autoptr (GPtrArray) rows = rows_new ("NAME", "VERSION", "WHAT IT DOES");

    for (guint i = 0; i < lines->len; i++) {
        json_object *line = g_ptr_array_index (lines, i);
        g_autofree char *refused = text_peek (style, line, "refused");
        char **row;

        add_row (style, rows, line, paths);
        row = g_ptr_array_index (rows, rows->len - 1);
        if (!refused)
            continue;
        g_free (row[2]);
        row[2] = g_strconcat ("refused: ", refused, NULL);
    }
    return columns_text (style, rows, ink_refused);
}

static char *
options_table (const Style *style, json_object *options)
{
    static const char *const paths[] = { "key", "default", "meaning" };
    g_autoptr (GPtrArray) rows = rows_new ("OPTION", "DEFAULT", "MEANING");

    for (size_t i = 0; i < json_object_array_length (options); i++)
        add_row (style, rows, json_object_array_get_idx (options, i), paths);
    return columns_text (style, rows, NULL);
}

char *
policy_table_one (const Style *style, json_object *line)
{
    g_autofree char *name = word (style, line, "name");
    g_autofree char *version = word (style, line, "version");
    g_autofree char *description = word (style, line, "description");
    g_autofree char *file = text_peek (style, line, "path");
    const char *path = file ? file : "part of qmpmig itself";
    json_object *options = qmp_peek (line, "options");
    g_autofree char *table = NULL;

    if (!options || !json_object_array_length (options))
        return g_strdup_printf ("%s %s: %s\n%s\n\nIt takes no options.\n", name, version,
                                description, path);
    table = options_table (style, options);
    return g_strdup_printf ("%s %s: %s\n%s\n\n%s", name, version, description, path, table);
}
