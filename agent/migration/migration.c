/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "agent/migration/migration.h"

#include "agent/host/guest-lock.h"
#include "agent/migration/launch.h"

void
migration_clear (Migration *m)
{
    json_object_put (m->set_by_us);
    json_object_put (m->predicted);
    journal_close (m->journal);
    launch_unref (m->launch);
    guest_lock_free (m->lock);
    plan_free (m->plan);
    policy_free (m->helm.policy);
    vm_close (m->source);
    vm_close (m->destination);
    migration_uri_free (m->uri);
    g_clear_error (&m->result.error);
    g_clear_pointer (&m->result.check, g_ptr_array_unref);
    g_clear_pointer (&m->result.commands, g_ptr_array_unref);
    g_free (m->result.text);
    g_free (m->result.run_state);
    g_free (m->status_text);
    g_free (m->source_run_state);
    g_free (m->destination_error);
    g_free (m->source_error);
    g_free (m->guest_event);
    for (End end = END_SOURCE; end <= END_DESTINATION; end++) {
        json_object_put (m->before[end]);
        g_free (m->unreachable[end]);
    }
    json_object_put (m->found);
    g_free (m->id);
}
