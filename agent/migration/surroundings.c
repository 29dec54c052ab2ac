/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "agent/migration/surroundings.h"

#include "agent/migration/migration.h"
#include "qmp/value.h"

void
surroundings_set_share (Surroundings *self, const LinkShare *share)
{
    g_mutex_lock (&self->lock);
    self->share = *share;
    g_mutex_unlock (&self->lock);
}

LinkShare
surroundings_share (Surroundings *self)
{
    LinkShare share;

    g_mutex_lock (&self->lock);
    share = self->share;
    g_mutex_unlock (&self->lock);
    return share;
}

/* 0 is no limit at all. */
static guint64
smaller (guint64 one, guint64 other)
{
    return one && other ? MIN (one, other) : MAX (one, other);
}

void
migration_ask_bandwidth (Migration *m, guint64 bytes_per_s)
{
    LinkShare share = surroundings_share (&m->around);

    m->bandwidth_asked = bytes_per_s;
    m->limits.bandwidth_bytes_per_s = smaller (bytes_per_s, share.bandwidth_bytes_per_s);
}

void
migration_see_surroundings (Migration *m, Sample *sample)
{
    LinkShare share = surroundings_share (&m->around);
    guint64 elapsed_us = m->migrate_us ? (guint64)(g_get_monotonic_time () - m->migrate_us) : 0;
    guint64 left_us;

    if (share.share_pct) {
        sample->others_on_link = share.others;
        sample->link_share_pct = share.share_pct;
    }
    left_us =
        abort_clock_left_us (&m->around.abort, m->source->ram_bytes, sample->syncs, elapsed_us);
    m->limits.abort_us = left_us == G_MAXUINT64 ? 0 : MAX (elapsed_us + left_us, 1);
}

gboolean
migration_take_share (Migration *m, GError **error)
{
    LinkShare share = surroundings_share (&m->around);
    guint64 set = qmp_peek_uint (m->source->parameters, "max-bandwidth", 0);

    if (m->helm.observes || (!share.bandwidth_bytes_per_s && !m->has_shared))
        return TRUE;
    migration_ask_bandwidth (m, m->bandwidth_asked);
    m->has_shared = share.bandwidth_bytes_per_s != 0;
    /* A policy may have chosen less. */
    if (m->has_shared && set && set <= m->limits.bandwidth_bytes_per_s &&
        m->shared_bytes_per_s == share.bandwidth_bytes_per_s)
        return TRUE;
    m->shared_bytes_per_s = share.bandwidth_bytes_per_s;
    if (set == m->limits.bandwidth_bytes_per_s)
        return TRUE;
    return migration_apply (m,
                            qmp_object ("max-bandwidth",
                                        json_object_new_uint64 (m->limits.bandwidth_bytes_per_s),
                                        NULL),
                            NULL, error);
}
