/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "agent/commands/command.h"

#include <stdio.h>

#include "agent/commands/helper.h"

/* Whoever calls a hook takes any other code for a reason to stop the migration. */
static ExitCode
run_hook (const CommandLine *line)
{
    g_autoptr (GError) error = NULL;

    helper_become ("hook", command_arguments (line), &error);
    fprintf (stderr, "qmpmig: %s\n", error->message);
    return EXIT_DONE;
}

const Command command_hook = {
    .name = "hook",
    .arguments = "vdsm|libvirt ARGUMENT...",
    .summary = "what VDSM and libvirt call; hands over to the service",
    .description =
        "For the hooks of the packages, not for people. Tells the service of a guest that is\n"
        "about to be moved, and returns without waiting for it: 0, whatever happens, but 2 where\n"
        "the VM's custom property qmpmig_veto asks for a veto and the service has no hope for the\n"
        "move. vdsm reads the domain's XML from the file that _hook_domxml names, libvirt from\n"
        "standard input; libvirt itself is never called.",
    .example = "  qmpmig hook vdsm before_vm_migrate_source\n"
               "  qmpmig hook libvirt -- web1 migrate begin - <web1.xml",
    .min_arguments = 2,
    .max_arguments = -1,
    .run = run_hook,
};
