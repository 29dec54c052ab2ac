/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* All commands, in the order of the manual. */
#pragma once

#include "agent/commands/command.h"

typedef enum {
    GROUP_MOVE,
    GROUP_LOOK,
    GROUP_TOUCH,
    GROUP_REPAIR,
    GROUP_SERVICE,
    GROUP_HELP
} CommandGroup;

typedef struct {
    CommandGroup group;
    const Command *command;
    const char *exit_codes; /* those worth knowing, "0 2 3": for its help */
} CommandEntry;

/* By number; NULL behind the last. */
const CommandEntry *command_entry (guint index);
const CommandEntry *command_find (const char *name);
/* The command that NAME was probably meant to be, or NULL. */
const char *command_nearest (const char *name);

extern const Command command_help;
