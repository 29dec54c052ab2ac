/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "agent/commands/mover.h"

static ExitCode
work (Migration *m, const CommandLine *line)
{
    return qmp_address_is_libvirt (m->global->socket) ? migration_run_by_libvirt (m)
                                                      : migration_run (m);
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
        "settled from here; without it the destination is not observed, and the output says so.\n"
        "A guest of --libvirt is moved by libvirt, to the libvirt at URI (qemu+ssh://HOST/system), "
        "and steered from here.",
    .example =
        "  qmpmig --socket /run/src.sock migrate tcp:127.0.0.1:4444 --dest-socket /run/dst.sock\n"
        "  qmpmig --socket /run/qemu.sock migrate tcp:dst:4444 --max-downtime 300ms\n"
        "  qmpmig --libvirt web1 migrate qemu+ssh://dst/system",
    .takes_migrate_options = TRUE,
    .min_arguments = 1,
    .max_arguments = 1,
    .run = run,
};
