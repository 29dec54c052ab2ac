/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include "agent/display/style.h"
#include "qmp/message.h"

/* Who moves where, in one line: "Moving web1 (4 GiB) from QEMU 9.2.0 to QEMU 10.0.2 at tcp:b:4444".
 * HEADER is a header line. */
char *heading_text (const Style *style, json_object *header, gboolean dry_run);
/* "QEMU 10.0.2, pc-q35-9.2, unix:/run/web1.qmp", or "not observed". END: "source", "destination".
 */
char *heading_end_text (const Style *style, json_object *header, const char *end);
/* The VM's name, never NULL. */
char *heading_vm_name (const Style *style, json_object *header);
gboolean heading_is_observed (json_object *header, const char *end);
