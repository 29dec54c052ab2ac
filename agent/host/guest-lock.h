/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* One guest, one steerer on this host, whichever user it is and whichever monitor it uses: two
 * would turn the same knobs against each other. The kernel ends a lock with its holder. */
#pragma once

#include "qmp/address.h"

#include <glib.h>
#include <sys/types.h>

typedef struct GuestLock GuestLock;

/* UUID: NULL or all zeros where the guest has none; then PID, its QEMU's, tells, and without either
 * nothing is held. MONITOR: whose owner is believed to steer, as are root, the service and
 * ourselves; what anybody else holds holds nobody up. NULL: MIGRATE_ERROR that names the holder's
 * pid. */
GuestLock *guest_lock_take (const char *uuid, pid_t pid, const QmpAddress *monitor, GError **error);
/* NULL is fine. */
void guest_lock_free (GuestLock *self);
