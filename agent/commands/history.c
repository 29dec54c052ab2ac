/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "agent/commands/command.h"

#include <stdio.h>

#include "agent/commands/history-line.h"
#include "agent/commands/history-table.h"
#include "agent/commands/history-would.h"
#include "agent/commands/record.h"
#include "agent/state.h"

#define DEFAULT_LIMIT 20

typedef struct {
    const CommandLine *line;
    const char *vm; /* NULL: all */
    guint64 limit;
    guint64 more; /* that are there beyond the limit */
    GPtrArray *found;
    Would *would; /* NULL: not asked for */
} History;

static void
line_free (gpointer line)
{
    json_object_put (line);
}

static void
skip (const History *self, const char *why)
{
    if (!command_global (self->line)->quiet)
        record_warn (self->line, "no-trace", "%s: skipped", why);
}

static void
weigh (History *self, const TraceEntry *entry, const TraceFile *file)
{
    g_autoptr (GError) error = NULL;

    if (self->would && !would_take (self->would, entry->path, file, &error))
        skip (self, error->message);
}

static void
take (History *self, const TraceEntry *entry)
{
    g_auto (TraceFile) file = { 0 };
    g_autoptr (GError) error = NULL;
    g_autoptr (json_object) found = NULL;

    if (!trace_file_read (entry->path, &file, &error)) {
        skip (self, error->message);
        return;
    }
    found = history_line (entry, &file);
    if (self->vm && !history_line_is_of (found, self->vm))
        return;
    weigh (self, entry, &file);
    g_ptr_array_add (self->found, g_steal_pointer (&found));
}

/* The newest first, so that no more is read than is shown. */
static gboolean
look (History *self, const char *folder, GError **error)
{
    g_autoptr (GPtrArray) foreign = g_ptr_array_new_with_free_func (g_free);
    g_autoptr (GPtrArray) entries = trace_folder_list (folder, foreign, error);
    guint i;

    if (!entries)
        return FALSE;
    for (i = 0; i < entries->len && self->found->len < self->limit; i++)
        take (self, g_ptr_array_index (entries, i));
    self->more = entries->len - i;
    for (i = 0; i < foreign->len; i++) {
        g_autofree char *why = g_strdup_printf ("%s/%s: not a trace by its name", folder,
                                                (char *)g_ptr_array_index (foreign, i));

        skip (self, why);
    }
    return TRUE;
}

static void
print_object (json_object *members, const char *type, const CommandLine *line)
{
    g_autoptr (json_object) object = record_line (line, type);

    json_object_object_foreach (members, key, value)
        json_object_object_add (object, key, json_object_get (value));
    record_print (object);
}

static void
print_line (gpointer found, gpointer line)
{
    print_object (found, "history", line);
}

static void
print_table (const History *self, const char *folder)
{
    Style style = record_style (self->line);
    g_autofree char *table = history_table (&style, self->found);

    if (self->found->len)
        fputs (table, stdout);
    if (command_global (self->line)->quiet)
        return;
    if (!self->found->len)
        fprintf (stderr, "qmpmig: no migration%s%s has left a trace in %s\n",
                 self->vm ? " of " : "", self->vm ? self->vm : "", folder);
    else
        printf ("\nThe traces are in %s", folder);
    if (self->found->len && self->more)
        printf ("; there are %" G_GUINT64_FORMAT " more (--limit)", self->more);
    if (self->found->len)
        printf ("\nqmpmig report TRACE -o page.html draws one: what happened, and why\n");
}

static void
print_would (const History *self)
{
    g_autoptr (json_object) told = would_to_json (self->would);
    Style style = record_style (self->line);
    g_autofree char *text = NULL;

    if (command_global (self->line)->json) {
        print_object (told, "would", self->line);
        return;
    }
    text = would_text (&style, told);
    fputs (text, stdout);
}

static void
print (const History *self, const char *folder)
{
    if (self->would)
        print_would (self);
    else if (command_global (self->line)->json)
        g_ptr_array_foreach (self->found, print_line, (gpointer)self->line);
    else
        print_table (self, folder);
}

static ExitCode
run_history (const CommandLine *line)
{
    g_autofree char *folder = state_path ("traces");
    g_autoptr (GPtrArray) found = g_ptr_array_new_with_free_func (line_free);
    g_autoptr (Would) would = command_flag (line, "would") ? would_new () : NULL;
    History self = { .line = line,
                     .vm = command_value (line, "vm"),
                     .limit = would ? G_MAXUINT32 : DEFAULT_LIMIT,
                     .found = found,
                     .would = would };
    const char *limit = command_value (line, "limit");
    GError *error = NULL;

    if (limit && !units_parse_uint ("--limit", limit, 1, G_MAXUINT32, &self.limit, &error))
        return command_fail (line, error);
    if (!look (&self, folder, &error))
        return command_fail (line, error);
    print (&self, folder);
    return EXIT_DONE;
}

static const OptionSpec options[] = {
    { "vm", 0, "VM", "of that one alone: its uuid, or its name, where * and ? stand for anything" },
    { "limit", 0, "N", "how many at most, the newest (default 20; all with --would)" },
    { "would", 0, NULL, "what steering would have saved those that were only observed" },
    { 0 },
};

const Command command_history = {
    .name = "history",
    .arguments = "",
    .summary = "past migrations, with outcome and trace",
    .description =
        "Lists the migrations that have left a trace on this host, the newest first: when, which\n"
        "VM, from which monitor to which URI, by which policy, how it ended, how long it took, "
        "how\n"
        "long the guest stood still at the handover, how much of its work was lost in all, and "
        "the\n"
        "file with the record. One that still runs is shown as running, one whose qmpmig was\n"
        "killed as left.",
    .example =
        "  qmpmig history\n  qmpmig history --would\n  qmpmig history --vm 'db-*' --limit 5 --json",
    .options = options,
    .run = run_history,
};
