/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "agent/commands/mover.h"

/* What one end alone can see to. */
static const char *const move_options[] = { "allow-exec", "cap",     "compress", "detach",
                                            "dry-run",    "multifd", "param",    "postcopy",
                                            "tls",        "trace",   "xbzrle",   NULL };

static ExitCode
work (Migration *m, const CommandLine *line)
{
    return migration_receive (m);
}

static ExitCode
run (const CommandLine *line)
{
    MigrateOptions *options = command_migrate_options (line);

    g_free (options->uri);
    options->uri = g_strdup (command_arguments (line)[0]);
    return mover_run (line, "incoming", work);
}

const Command command_incoming = {
    .name = "incoming",
    .arguments = "URI",
    .summary = "receive a guest here",
    .description =
        "Makes the QEMU of --socket listen at URI, waits until a guest has arrived, continues it "
        "if "
        "that QEMU was started with -S, and says so. Port 0 takes a free one and prints it. Only "
        "what one end can know is known here: a late failure may still resume the guest at its "
        "source; `migrate --dest-socket` has no such window.",
    .example = "  qmpmig --socket /run/dst.sock incoming tcp:0:4444",
    .takes_migrate_options = TRUE,
    .move_options = move_options,
    .min_arguments = 1,
    .max_arguments = 1,
    .run = run,
};
