/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* The QEMUs of this host with their QMP monitors, from /proc. Asks no QEMU. */
#pragma once

#include "agent/host/holder.h"
#include "agent/host/qemu-command-line.h"
#include "qmp/address.h"

typedef struct {
    char *text;          /* "unix:/run/x.sock"; "fd:23" where it is not known more exactly */
    QmpAddress *address; /* NULL: nobody can connect to it */
    gboolean is_server;
    Holder holder;
} ProcessMonitor;

typedef struct {
    pid_t pid;
    QemuCommandLine *line;
    gboolean is_stopped; /* the process, by a signal: it answers nobody */
    GPtrArray *monitors; /* ProcessMonitor */
} Process;

/* By pid. *ret_hidden: so many processes have descriptors that we may not see, so that holders may
 * stay unnamed. */
GPtrArray *processes_find (guint *ret_hidden);
