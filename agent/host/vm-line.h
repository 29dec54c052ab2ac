/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* One QEMU of this host as the `vm` line of docs/json.md has it, without what begins a line. */
#pragma once

#include "agent/host/processes.h"
#include "qmp/message.h"

/* What /proc tells; then, where a monitor is free, what QEMU answers within a moment (run_state, a
 * missing name, a migration that nobody steers); then, where a qmpmig steers, what that one says.
 */
json_object *vm_line_new (const Process *process);
