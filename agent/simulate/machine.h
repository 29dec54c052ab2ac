/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* How long things take where the simulated QEMU runs. */
#pragma once

#include "agent/simulate/thread.h"

/* KVM: a host as they are in a data centre. URI: over which the guest moves; NULL: one
 * of QEMU's own connections, like tcp:. */
SimMachine machine_new (gboolean kvm, const char *uri);
