/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* What main() of qmpmig and of each of its helpers does. */
#pragma once

#include "agent/commands/command.h"

/* The exit code. A helper does its COMMAND alone, by RUN, and nothing of the others; qmpmig itself
 * passes NULL for both. */
int program_main (int argc, char **argv, const Command *command,
                  ExitCode (*run) (const CommandLine *line));
