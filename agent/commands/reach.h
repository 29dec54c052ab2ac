/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Who answers for a VM: the qmpmig that steers its migration, because that one holds QEMU's only
 * monitor, else QEMU itself. */
#pragma once

#include "agent/commands/command.h"
#include "agent/control.h"
#include "qmp/client.h"
#include "qmp/value.h"

typedef struct {
    const CommandLine *line;
    const GlobalOptions *global;
    ControlClient *control; /* of the qmpmig that steers; NULL: nobody does, and QEMU is there */
    QmpClient *qemu;
    GMainContext *context;
    char *vm; /* the guest's name; NULL: not asked yet */
} Reach;

/* The VM of --socket. */
Reach *reach_open (const CommandLine *line, GError **error);
/* Lets others at QEMU meanwhile, and comes back to whoever answers then. */
void reach_leave (Reach *self);
gboolean reach_return (Reach *self, GError **error);
void reach_close (Reach *self);
G_DEFINE_AUTOPTR_CLEANUP_FUNC (Reach, reach_close)

/* "web1", or "the VM" where nobody says. Borrowed. */
const char *reach_vm (Reach *self);

/* Asks the qmpmig that steers. Takes ARGUMENTS (may be NULL). */
json_object *reach_ask (Reach *self, const char *request, json_object *arguments, GError **error);
/* Asks QEMU, through the qmpmig that steers where there is one. Takes ARGUMENTS (may be NULL). */
json_object *reach_qmp (Reach *self, const char *command, json_object *arguments, GError **error);

typedef enum {
    REACH_FORCE = 1 << 0, /* also what changes the migration that is steered */
    REACH_OOB = 1 << 1,   /* out-of-band */
} ReachFlags;

json_object *reach_qmp_full (Reach *self, const char *command, json_object *arguments,
                             ReachFlags flags, GError **error);

/* command_fail() for a command that changes something: what QEMU refuses was not done. */
ExitCode reach_fail (Reach *self, GError *error);
