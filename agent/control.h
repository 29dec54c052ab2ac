/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* The control socket: QEMU serves one client a monitor, so whoever steers a migration answers for
 * it. RUNTIME/qmpmig/control/DEV-INODE.sock after the QMP socket, 0600, callers of our uid or root.
 *
 * One JSON object a line. A request: {"command": "status"|"watch"|"events"|"cancel"|"postcopy"|
 * "postcopy-pause"|"finish"|"set"|"get"|"qmp", "arguments": {...}}. The answer: one object,
 * {"return": {...}} or {"error": TEXT, "exit_code": N}. `status` returns {"pid", "monitor",
 * "header", "sample", "result"}, those that there are; "monitor" tells which of the server's it is.
 * `watch` and `events` (arguments {"names": [...]}) return {} and then send lines until the result,
 * which is the last: `watch` the record (header, plan and newest sample first), `events` its
 * events. */
#pragma once

#include <gio/gio.h>

#include "agent/board.h"
#include "qmp/address.h"

/* Path of the socket for a monitor. Needs the monitor's socket to exist. Owned by the caller. */
char *control_path (const QmpAddress *monitor, GError **error);
/* The runtime folder itself ("/run/qmpmig", "$XDG_RUNTIME_DIR/qmpmig"); also for secrets. */
char *control_runtime_dir (void);

typedef struct ControlServer ControlServer;

/* Listens on every path of MONITORS (ends with NULL; source and destination lead to the same
 * migration), in the main context. A stale socket is replaced; one that answers is QMPMIG already
 * steering: an error. */
ControlServer *control_server_new (Board *board, const QmpAddress *const *monitors, GError **error);
void control_server_free (ControlServer *self); /* removes the sockets */

typedef struct ControlClient ControlClient;

/* NULL without error: no qmpmig steers this monitor. */
ControlClient *control_client_open (const QmpAddress *monitor, GError **error);
void control_client_close (ControlClient *self);
pid_t control_client_pid (ControlClient *self); /* of the qmpmig that steers */
G_DEFINE_AUTOPTR_CLEANUP_FUNC (ControlClient, control_client_close)
/* Sends and waits for one answer; its "return" object. An "error" answer becomes a GError in the
 * domain CONTROL_ERROR whose code is the exit code. Takes ARGUMENTS (may be NULL). */
json_object *control_client_call (ControlClient *self, const char *command, json_object *arguments,
                                  gint64 timeout_us, GError **error);
/* The next line of a `watch` or `events`; NULL without error at its end. TIMEOUT_US -1: as long as
 * the other qmpmig is there. */
json_object *control_client_next (ControlClient *self, gint64 timeout_us, GError **error);

/* Its codes are exit codes. */
#define CONTROL_ERROR (control_error_quark ())
GQuark control_error_quark (void);
