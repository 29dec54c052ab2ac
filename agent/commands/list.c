/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "agent/commands/command.h"

#include <stdio.h>

#include "agent/commands/list-table.h"
#include "agent/commands/record.h"
#include "agent/host/vm-line.h"

/* As a line of docs/json.md: what begins one, then what is known of the VM. */
static void
print_line (gpointer vm, gpointer line)
{
    g_autoptr (json_object) object = record_line (line, "vm");

    json_object_object_foreach (vm, key, value)
        json_object_object_add (object, key, json_object_get (value));
    record_print (object);
}

static void
put_line (gpointer line)
{
    json_object_put (line);
}

/* A monitor that is held by nobody whom we can see. */
static gboolean
has_unnamed_holder (const GPtrArray *processes)
{
    for (guint i = 0; i < processes->len; i++) {
        const Process *process = g_ptr_array_index (processes, i);

        for (guint j = 0; j < process->monitors->len; j++) {
            const ProcessMonitor *monitor = g_ptr_array_index (process->monitors, j);

            if (monitor->holder.hold == HOLD_HELD && !monitor->holder.client_pid)
                return TRUE;
        }
    }
    return FALSE;
}

static ExitCode
run_list (const CommandLine *line)
{
    guint hidden;
    g_autoptr (GPtrArray) processes = processes_find (&hidden);
    g_autoptr (GPtrArray) lines = g_ptr_array_new_with_free_func (put_line);
    const GlobalOptions *global = command_global (line);

    for (guint i = 0; i < processes->len; i++)
        g_ptr_array_add (lines, vm_line_new (g_ptr_array_index (processes, i)));
    if (global->json) {
        g_ptr_array_foreach (lines, print_line, (gpointer)line);
    } else if (lines->len) {
        Style style = record_style (line);
        g_autofree char *table = list_table (&style, lines);

        fputs (table, stdout);
    } else if (!global->quiet) {
        fprintf (stderr, "qmpmig: no QEMU runs here, or none that we may see\n");
    }
    if (hidden && !global->quiet && has_unnamed_holder (processes))
        fprintf (stderr,
                 "qmpmig: the open files of %u processes are not ours to read, so a holder may be "
                 "unnamed (root sees them)\n",
                 hidden);
    return EXIT_DONE;
}

const Command command_list = {
    .name = "list",
    .arguments = "",
    .summary = "QEMUs on this host, their QMP sockets, and migrations",
    .description =
        "Lists the QEMUs that run on this host: name, pid, run state, QMP sockets with who uses\n"
        "them, and a migration in progress. Needs no root; what cannot be seen without it is "
        "said.\n"
        "A QEMU is asked only where its monitor is free, and only for a moment.",
    .example = "  qmpmig list\n  qmpmig list --json",
    .run = run_list,
};
