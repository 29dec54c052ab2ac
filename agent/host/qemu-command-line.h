/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* What a QEMU's own command line says about it. Pure. */
#pragma once

#include <glib.h>

typedef struct {
    char *address;      /* "unix:/run/x.sock", "tcp:host:port"; NULL: a descriptor, stdio, ... */
    int fd;             /* listens on this descriptor of its own (libvirt does that); -1: no */
    gboolean is_server; /* else QEMU connects to somebody */
} QemuMonitor;

typedef struct {
    char *program;        /* "qemu-system-x86_64" */
    char *name;           /* NULL: none given */
    char *uuid;           /* NULL: none given */
    gboolean is_incoming; /* was started to receive a guest */
    GPtrArray *monitors;  /* QemuMonitor: those that speak QMP */
} QemuCommandLine;

/* NULL: no QEMU system emulator. CWD (may be NULL) is where its relative paths begin. */
QemuCommandLine *qemu_command_line_parse (const char *const *words, const char *cwd);
void qemu_command_line_free (QemuCommandLine *self);
G_DEFINE_AUTOPTR_CLEANUP_FUNC (QemuCommandLine, qemu_command_line_free)
