/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "agent/commands/mover.h"

#include <string.h>

static const OptionSpec options[] = {
    { "confirm-dead", 0, "source|destination",
      "that end's QEMU is certainly dead: you have looked" },
    { 0 },
};

/* The rest was settled when the move began. */
static const char *const move_options[] = { "dest-socket", "detach", "dry-run",
                                            "on-success",  "trace",  NULL };

static ExitCode
work (Migration *m, const CommandLine *line)
{
    return migration_recover (m, command_value (line, "confirm-dead"), m->options->dry_run);
}

static ExitCode
run (const CommandLine *line)
{
    MigrateOptions *migrate = command_migrate_options (line);
    const char *dead = command_value (line, "confirm-dead");

    if (dead && strcmp (dead, "source") != 0 && strcmp (dead, "destination") != 0) {
        GError *error = NULL;

        g_set_error (&error, UNITS_ERROR, 0,
                     "--confirm-dead: \"%s\" is neither source nor destination", dead);
        return command_fail (line, error);
    }
    g_free (migrate->uri);
    migrate->uri = g_strdup (command_arguments (line)[0]);
    return mover_run (line, "recover", work);
}

const Command command_recover = {
    .name = "recover",
    .arguments = "[URI]",
    .summary = "bring to an end what was left",
    .description =
        "For a postcopy whose link broke, a qmpmig that was killed, or a decision that is open: "
        "looks at both ends and at the journal, and finishes or undoes the move so that the guest "
        "runs on exactly one side. --dry-run tells what it would do. Without a journal both ends "
        "have to be named (--dest-socket). URI: another way for the stream, when the old one "
        "cannot "
        "be used again.",
    .example = "  qmpmig --socket /run/src.sock recover\n"
               "  qmpmig --socket /run/src.sock recover --confirm-dead destination",
    .options = options,
    .takes_migrate_options = TRUE,
    .move_options = move_options,
    .min_arguments = 0,
    .max_arguments = 1,
    .run = run,
};
