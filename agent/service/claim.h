/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* One guest, one of our migrations, by whichever monitors it is reached. */
#pragma once

#include <glib.h>
#include <sys/types.h>

typedef struct Claim Claim;

/* UUID: NULL or all zeros where it has none; PID: of its QEMU, 0 where that is not known. HOLDER:
 * how others are told of it. NULL: somebody has it; a refusal that says who. From any thread. */
Claim *claim_take (const char *uuid, pid_t pid, const char *holder, GError **error);
void claim_free (Claim *self);
