/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "agent/simulate/machine.h"

#define OWN_SOCKET_BYTES 131072.0 /* that migration_uri_open_fd() leaves it */

SimMachine
machine_new (gboolean kvm, const char *uri)
{
    SimMachine tcg = { .setup_us = 3000,
                       .page_us = 4,
                       .zero_page_us = 0.5,
                       .channel_page_us = 4,
                       .socket_bytes = 1200000,
                       .socket_us = 7000,
                       .socket_spread = 0.2,
                       .socket_lump = 1.0 / 3,
                       .wake_us = 4000,
                       .switch_us = 7000,
                       .notice_us = 8000,
                       .postcopy_us = 60000,
                       .postcopy_downtime_us = 5000,
                       .fault_us = 2000 };
    /* A channel carries some 12 Gbit/s: by the orchestrators' rules 8 of them fill 100 Gbit/s. */
    SimMachine host = { .setup_us = 20000,
                        .page_us = 0.3,
                        .zero_page_us = 0.3,
                        .channel_page_us = 2.6,
                        .socket_bytes = 600000,
                        .switch_us = 25000,
                        .notice_us = 5000,
                        .postcopy_us = 40000,
                        .postcopy_downtime_us = 5000,
                        .fault_us = 300 };
    SimMachine self = kvm ? host : tcg;

    if (uri && g_str_has_prefix (uri, "fd:tcp:"))
        self.socket_bytes = MIN (self.socket_bytes, OWN_SOCKET_BYTES);
    return self;
}
