/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "agent/commands/table.h"

#include <string.h>

#include "agent/nearest.h"

static const CommandEntry entries[] = {
    { GROUP_MOVE, &command_migrate, "0 2 3 4 10 11 12 13 14 15" },
    { GROUP_MOVE, &command_incoming, "0 2 3 4 10 13 14 15" },
    { GROUP_LOOK, &command_status, "0 2 3 4 10 11 12 13 14" },
    { GROUP_LOOK, &command_list, "0 2" },
    { GROUP_LOOK, &command_history, "0 2" },
    { GROUP_LOOK, &command_report, "0 2" },
    { GROUP_LOOK, &command_policies, "0 2" },
    { GROUP_LOOK, &command_simulate, "0 2 4" },
    { GROUP_LOOK, &command_predict, "0 2 3 4" },
    { GROUP_LOOK, &command_capabilities, "0 2 3" },
    { GROUP_LOOK, &command_events, "0 2 3" },
    { GROUP_LOOK, &command_get, "0 2 3 4" },
    { GROUP_TOUCH, &command_set, "0 2 3 4" },
    { GROUP_TOUCH, &command_steer, "0 2 3 4 10 11 12 14 15" },
    { GROUP_TOUCH, &command_finish, "0 2 3 4 10 11 15" },
    { GROUP_TOUCH, &command_postcopy, "0 2 3 4 10 15" },
    { GROUP_TOUCH, &command_cancel, "0 1 2 3 4 15" },
    { GROUP_TOUCH, &command_qmp, "0 1 2 3 4" },
    { GROUP_REPAIR, &command_recover, "0 2 3 4 10 11 12 13 14 15" },
    { GROUP_SERVICE, &command_agent, "0 1 2 3" },
    { GROUP_SERVICE, &command_hook, "0 2" },
    { GROUP_HELP, &command_help, "0 2" },
};

const CommandEntry *
command_entry (guint index)
{
    return index < G_N_ELEMENTS (entries) ? &entries[index] : NULL;
}

const CommandEntry *
command_find (const char *name)
{
    for (guint i = 0; i < G_N_ELEMENTS (entries); i++)
        if (!strcmp (entries[i].command->name, name))
            return &entries[i];
    return NULL;
}

const char *
command_nearest (const char *name)
{
    const char *names[G_N_ELEMENTS (entries) + 1];

    for (guint i = 0; i < G_N_ELEMENTS (entries); i++)
        names[i] = entries[i].command->name;
    names[G_N_ELEMENTS (entries)] = NULL;
    return nearest_word (name, names);
}
