/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* What --help and `qmpmig help` print, from the tables that the parser reads. */
#pragma once

#include "agent/commands/command.h"

char *help_usage (const Command *command); /* "usage: qmpmig [OPTIONS] migrate URI"; owned */
ExitCode help_print_all (void);
ExitCode help_print_command (const Command *command);
ExitCode help_print_version (void);
