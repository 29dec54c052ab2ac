/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* What /proc tells about the processes of this host. What is not ours to read is simply not known.
 */
#pragma once

#include <glib.h>
#include <sys/types.h>

GArray *proc_pids (void);            /* pid_t, ascending */
GStrv proc_command_line (pid_t pid); /* NULL: gone, a kernel thread, or not ours to read */
char *proc_program (pid_t pid);      /* "libvirtd"; NULL: gone */
char *proc_link (pid_t pid, const char *name); /* "cwd", "exe", "fd/23"; NULL: not known */
/* 'R', 'S', 'T' (stopped), 't' (traced), ...; 0: not known. */
char proc_state (pid_t pid);
/* From /proc/PID/stat's text. */
char proc_parse_state (const char *stat);

/* Who has which socket open: inode to pid, of all processes that may be read. *ret_hidden counts
 * those that may not. */
GHashTable *proc_socket_owners (guint *ret_hidden);
