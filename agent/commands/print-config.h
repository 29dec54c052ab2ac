/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* `qmpmig --print-config`: each setting, its value and where it came from. */
#pragma once

#include "agent/commands/command.h"

ExitCode print_config (const CommandLine *line);
