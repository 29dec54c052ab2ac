/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* A signal asks us to leave. In pre-copy and in postcopy the guest runs, and we may go; while it
 * stands still between both ends we may not, and a wish that comes then waits. */
#include "agent/migration/migration.h"

void
migration_ask_to_leave (Migration *m)
{
    g_mutex_lock (&m->leave_lock);
    m->leave_wanted = TRUE;
    if (!m->stays)
        g_cancellable_cancel (m->leave);
    g_mutex_unlock (&m->leave_lock);
}

void
migration_stay (Migration *m)
{
    g_mutex_lock (&m->leave_lock);
    m->stays = TRUE;
    g_cancellable_reset (m->leave);
    g_mutex_unlock (&m->leave_lock);
}

void
migration_stay_no_longer (Migration *m)
{
    g_mutex_lock (&m->leave_lock);
    m->stays = FALSE;
    if (m->leave_wanted)
        g_cancellable_cancel (m->leave);
    g_mutex_unlock (&m->leave_lock);
}
