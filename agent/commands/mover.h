/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Runs a migration for a command: the work on a thread of its own; signals, display, record and the
 * control socket on the main thread. */
#pragma once

#include "agent/commands/command.h"
#include "agent/migration/migration.h"

typedef ExitCode (*MoverWork) (Migration *m, const CommandLine *line);

/* ROLE: "migrate", "incoming", "recover", "steer". */
ExitCode mover_run (const CommandLine *line, const char *role, MoverWork work);
