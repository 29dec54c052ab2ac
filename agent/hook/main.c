/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* `qmpmig hook`: vdsm POINT, libvirt GUEST OPERATION SUB-OPERATION EXTRA. */
#include <glib.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>

#include "agent/hook/libvirt.h"
#include "agent/hook/vdsm.h"

int
main (int argc, char **argv)
{
    signal (SIGPIPE, SIG_IGN);
    if (argc > 2 && !strcmp (argv[1], "vdsm"))
        return vdsm_run (argv[2]);
    if (argc > 2 && !strcmp (argv[1], "libvirt"))
        libvirt_run (argv + 2);
    else
        fprintf (stderr, "qmpmig: hook: what calls is neither vdsm nor libvirt\n");
    return 0;
}
