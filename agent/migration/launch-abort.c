/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* A migration that libvirt runs for us is aborted by libvirt too, on the operator's word, or
 * because it does not begin. */
#include "agent/migration/error.h"
#include "agent/migration/launch.h"
#include "agent/migration/migration.h"

/* By the default --reply-timeout 5 min. */
#define LIBVIRT_BEGINNING_ANSWERS 30

gboolean
migration_abort_launch (Migration *m, GError **error)
{
    g_autoptr (GError) why = NULL;

    if (!m->launch || !m->cancel_wanted)
        return TRUE;
    m->cancel_wanted = FALSE;
    m->abort_sent = vm_tell (m->source, "migrate_cancel", NULL, &why);
    if (m->abort_sent)
        return TRUE;
    if (g_error_matches (why, QMP_ERROR, QMP_ERROR_REFUSED)) {
        migration_notice (m, "warning", "no-cancel", "%s", why->message);
        return TRUE;
    }
    g_propagate_error (error, g_steal_pointer (&why));
    return FALSE;
}

/* Before libvirt's job has begun libvirt refuses to abort it: the wish stays. */
static gboolean
abort_unbegun (Migration *m, GError **error)
{
    g_autoptr (GError) why = NULL;

    if (!m->cancel_wanted || m->abort_sent)
        return TRUE;
    m->abort_sent = vm_tell (m->source, "migrate_cancel", NULL, &why);
    m->cancel_wanted = !m->abort_sent;
    if (m->abort_sent || g_error_matches (why, QMP_ERROR, QMP_ERROR_REFUSED))
        return TRUE;
    g_propagate_error (error, g_steal_pointer (&why));
    return FALSE;
}

gboolean
migration_outwait_launch (Migration *m, GError **error)
{
    gint64 patience_us = LIBVIRT_BEGINNING_ANSWERS * m->global->reply_timeout_us;

    if (!m->launch || launch_is_over (m->launch))
        return TRUE;
    if (!abort_unbegun (m, error))
        return FALSE;
    /* Disks come first, and take as long as they are large; whoever waits can abort it. */
    if (m->options->storage != STORAGE_SHARED ||
        g_get_monotonic_time () - m->migrate_us < patience_us)
        return TRUE;
    if (!m->abort_sent)
        vm_tell (m->source, "migrate_cancel", NULL, NULL);
    m->launch_is_late = TRUE;
    return migrate_fail (error, EXIT_FAILED, "no migration has begun within %.0f s",
                         (double)patience_us / G_USEC_PER_SEC);
}
