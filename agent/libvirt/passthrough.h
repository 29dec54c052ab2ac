/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* One QMP command as libvirt has it done. */
#pragma once

#include <json-c/json.h>

#include "agent/libvirt/module.h"

/* Why libvirt alone may do that to a guest of its own; NULL: anybody may. */
const char *passthrough_refusal (const char *command);
/* Asked again, it does no harm: it can be done anew on another connection. */
gboolean passthrough_is_question (const char *command);
/* QEMU's whole answer ({"return"} or {"error"}) without an id. COMMAND is the message as it came,
 * without an id. Blocks up to the connection's timeout. */
json_object *passthrough_run (LibvirtConnection *connection, const char *uuid, json_object *command,
                              GError **error);
