/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "agent/commands/mover.h"

static ExitCode
work (Migration *m, const CommandLine *line)
{
    return migration_run (m);
}

static ExitCode
run (const CommandLine *line)
{
    MigrateOptions *options = command_migrate_options (line);

    g_free (options->uri);
    options->uri = g_strdup (command_arguments (line)[0]);
    return mover_run (line, "migrate", work);
}

const Command command_migrate = {
    .name = "migrate",
    .arguments = "URI",
    .summary = "move the guest away",
    .description =
        "Moves the running guest of --socket to the QEMU that listens at URI, and stops when it is "
        "known on which side the guest runs. With --dest-socket both ends are prepared, watched "
        "and "
        "settled from here; without it the destination is not observed, and the output says so.",
    .example =
        "  qmpmig --socket /run/src.sock migrate tcp:127.0.0.1:4444 --dest-socket /run/dst.sock\n"
        "  qmpmig --socket /run/qemu.sock migrate tcp:dst:4444 --max-downtime 300ms",
    .takes_migrate_options = TRUE,
    .min_arguments = 1,
    .max_arguments = 1,
    .run = run,
};
