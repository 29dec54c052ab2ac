/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "agent/commands/list-table.h"

#include <string.h>

#include "agent/display/columns.h"
#include "agent/display/text.h"
#include "qmp/value.h"

static char *
clean (const char *text)
{
    return text_clean (text, g_get_charset (NULL));
}

static char *
state_text (json_object *line)
{
    if (qmp_peek_bool (line, "stopped", FALSE))
        return g_strdup ("stopped (T)");
    return clean (qmp_peek_string (line, "run_state", "-"));
}

static char *
use_text (json_object *monitor)
{
    const char *hold = qmp_peek_string (monitor, "hold", NULL);
    const char *program = qmp_peek_string (monitor, "held_by.program", NULL);
    g_autofree char *shown = program ? clean (program) : NULL;

    if (shown)
        return g_strdup_printf ("%s (pid %" G_GUINT64_FORMAT ")", shown,
                                qmp_peek_uint (monitor, "held_by.pid", 0));
    if (!qmp_peek_bool (monitor, "server", FALSE))
        return g_strdup ("connects out");
    return g_strdup (hold ? hold : "?");
}

/* "active 55%, outgoing" */
static char *
migration_text (json_object *line)
{
    json_object *migration = qmp_peek (line, "migration");
    double progress = qmp_peek_double (migration, "progress", -1);
    const char *role = qmp_peek_string (migration, "role", NULL);
    g_autofree char *status = clean (qmp_peek_string (migration, "status", "in progress"));
    g_autofree char *share = progress < 0 ? NULL : g_strdup_printf (" %.0f%%", progress * 100);
    const char *way = "";

    if (!migration)
        return g_strdup ("-");
    if (role)
        way = !strcmp (role, "source") ? ", outgoing" : ", incoming";
    return g_strconcat (status, share ? share : "", way, NULL);
}

/* A row for each monitor; what belongs to the VM stands in the first. */
static void
add_rows (GPtrArray *rows, json_object *line)
{
    json_object *monitors = qmp_peek (line, "monitors");
    gsize count = json_object_array_length (monitors);

    for (gsize i = 0; i < MAX (count, 1); i++) {
        json_object *monitor = i < count ? json_object_array_get_idx (monitors, i) : NULL;
        GPtrArray *row = g_ptr_array_new ();
        gboolean is_first = i == 0;

        g_ptr_array_add (row,
                         is_first ? clean (qmp_peek_string (line, "name", "-")) : g_strdup (""));
        g_ptr_array_add (
            row, is_first ? g_strdup_printf ("%" G_GUINT64_FORMAT, qmp_peek_uint (line, "pid", 0))
                          : g_strdup (""));
        g_ptr_array_add (row, is_first ? state_text (line) : g_strdup (""));
        g_ptr_array_add (row, monitor ? clean (qmp_peek_string (monitor, "address", "?"))
                                      : g_strdup ("(no QMP)"));
        g_ptr_array_add (row, monitor ? use_text (monitor) : g_strdup ("-"));
        g_ptr_array_add (row, is_first ? migration_text (line) : g_strdup (""));
        g_ptr_array_add (row, NULL);
        g_ptr_array_add (rows, g_ptr_array_free (row, FALSE));
    }
}

char *
list_table (const Style *style, const GPtrArray *lines)
{
    static const char *const titles[] = { "NAME",    "PID",       "STATE", "MONITOR",
                                          "USED BY", "MIGRATION", NULL };
    g_autoptr (GPtrArray) rows = g_ptr_array_new_with_free_func ((GDestroyNotify)g_strfreev);

    g_ptr_array_add (rows, g_strdupv ((char **)titles));
    for (guint i = 0; i < lines->len; i++)
        add_rows (rows, g_ptr_array_index (lines, i));
    return columns_text (style, rows, NULL);
}
