/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "agent/commands/list-table.h"

#include <string.h>

#include "agent/display/text.h"
#include "qmp/value.h"

enum {
    COLUMN_NAME,
    COLUMN_PID,
    COLUMN_STATE,
    COLUMN_MONITOR,
    COLUMN_USE,
    COLUMN_MIGRATION,
    COLUMNS
};

typedef struct {
    char *cells[COLUMNS];
} Row;

static void
row_clear (gpointer data)
{
    Row *row = data;

    for (guint i = 0; i < COLUMNS; i++)
        g_free (row->cells[i]);
}

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
add_rows (GArray *rows, json_object *line)
{
    json_object *monitors = qmp_peek (line, "monitors");
    gsize count = json_object_array_length (monitors);

    for (gsize i = 0; i < MAX (count, 1); i++) {
        json_object *monitor = i < count ? json_object_array_get_idx (monitors, i) : NULL;
        Row row = { 0 };

        if (i == 0) {
            row.cells[COLUMN_NAME] = clean (qmp_peek_string (line, "name", "-"));
            row.cells[COLUMN_PID] =
                g_strdup_printf ("%" G_GUINT64_FORMAT, qmp_peek_uint (line, "pid", 0));
            row.cells[COLUMN_STATE] = state_text (line);
            row.cells[COLUMN_MIGRATION] = migration_text (line);
        }
        row.cells[COLUMN_MONITOR] =
            monitor ? clean (qmp_peek_string (monitor, "address", "?")) : g_strdup ("(no QMP)");
        row.cells[COLUMN_USE] = monitor ? use_text (monitor) : g_strdup ("-");
        g_array_append_val (rows, row);
    }
}

static void
measure (const GArray *rows, int *widths)
{
    for (guint i = 0; i < rows->len; i++)
        for (guint j = 0; j < COLUMNS; j++) {
            const char *cell = g_array_index (rows, Row, i).cells[j];

            widths[j] = MAX (widths[j], cell ? text_width (cell) : 0);
        }
}

static void
print_row (GString *out, const Row *row, const int *widths)
{
    int missing = 0;

    for (guint j = 0; j < COLUMNS; j++) {
        const char *cell = row->cells[j] ? row->cells[j] : "";

        if (cell[0]) {
            text_spaces (out, missing);
            g_string_append (out, cell);
            missing = 0;
        }
        missing += widths[j] - text_width (cell) + 2;
    }
    g_string_append_c (out, '\n');
}

char *
list_table (const GPtrArray *lines)
{
    Row title = { { "NAME", "PID", "STATE", "MONITOR", "USED BY", "MIGRATION" } };
    g_autoptr (GArray) rows = g_array_new (FALSE, FALSE, sizeof (Row));
    GString *out = g_string_new (NULL);
    int widths[COLUMNS];

    g_array_set_clear_func (rows, row_clear);
    for (guint j = 0; j < COLUMNS; j++)
        widths[j] = (int)strlen (title.cells[j]);
    for (guint i = 0; i < lines->len; i++)
        add_rows (rows, g_ptr_array_index (lines, i));
    measure (rows, widths);
    print_row (out, &title, widths);
    for (guint i = 0; i < rows->len; i++)
        print_row (out, &g_array_index (rows, Row, i), widths);
    return g_string_free (out, FALSE);
}
