/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "agent/commands/mover.h"

#include "agent/control.h"
#include "agent/host/processes.h"
#include "agent/migration/error.h"

static const OptionSpec options[] = {
    { "observe", 0, NULL, "change nothing; tell what would be done" },
    { "wait", 0, NULL, "for a migration to begin, if none runs" },
    { 0 },
};

/* The others are about what is armed, or about ends that are not ours. */
static const char *const move_options[] = { "allow-exec",   "bandwidth", "deadline",     "detach",
                                            "max-downtime", "max-stall", "max-throttle", "policy",
                                            "postcopy",     "throttle",  "trace",        NULL };

/* -- Alone? -- */

static gboolean
is_same (const QmpAddress *a, const QmpAddress *b)
{
    g_autofree char *one = a ? control_path (a, NULL) : NULL;
    g_autofree char *other = b ? control_path (b, NULL) : NULL;

    return one && g_strcmp0 (one, other) == 0;
}

static gboolean
has_monitor (const Process *process, const QmpAddress *monitor)
{
    for (guint i = 0; i < process->monitors->len; i++)
        if (is_same (((ProcessMonitor *)g_ptr_array_index (process->monitors, i))->address,
                     monitor))
            return TRUE;
    return FALSE;
}

static gboolean
check_monitor (const QmpAddress *other, GError **error)
{
    g_autoptr (ControlClient) client = control_client_open (other, NULL);

    return !client || migrate_fail (error, EXIT_UNREACHABLE,
                                    "qmpmig (pid %d) steers this migration already, through %s",
                                    (int)control_client_pid (client), other->text);
}

/* QEMU has as many clients as monitors: one of ours on another would turn the same knobs. */
static gboolean
check_alone (const QmpAddress *monitor, GError **error)
{
    guint hidden;
    g_autoptr (GPtrArray) processes = processes_find (&hidden);

    for (guint i = 0; i < processes->len; i++) {
        const Process *process = g_ptr_array_index (processes, i);

        for (guint j = 0; has_monitor (process, monitor) && j < process->monitors->len; j++) {
            const ProcessMonitor *other = g_ptr_array_index (process->monitors, j);

            if (other->address && other->is_server && !is_same (other->address, monitor) &&
                !check_monitor (other->address, error))
                return FALSE;
        }
    }
    return TRUE;
}

static ExitCode
work (Migration *m, const CommandLine *line)
{
    return migration_steer_foreign (m, command_flag (line, "wait"), command_flag (line, "observe"),
                                    check_alone);
}

static ExitCode
run (const CommandLine *line)
{
    return mover_run (line, "steer", work);
}

const Command command_steer = {
    .name = "steer",
    .arguments = "",
    .summary = "tune a migration that somebody else started",
    .description =
        "Joins an outgoing migration that was started by hand, or by libvirt, and turns the knobs "
        "that are there, as --policy says: the downtime limit and the bandwidth always, the "
        "throttle where auto-converge is on, postcopy where postcopy-ram is on, xbzrle's cache "
        "where xbzrle is on. It changes no capability, cancels nothing, goes on from no pause, and "
        "does not touch the destination, which it does not see. Needs a monitor of its own "
        "(a second -qmp). Ctrl-C takes the hands off: the migration goes on with what is set.",
    .example = "  qmpmig --socket /run/web1-2.qmp steer --max-downtime 300ms\n"
               "  qmpmig --socket /run/web1-2.qmp steer --wait --observe",
    .options = options,
    .takes_migrate_options = TRUE,
    .move_options = move_options,
    .run = run,
};
