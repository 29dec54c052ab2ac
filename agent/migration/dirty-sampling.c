/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* How much a guest writes in short times, from samples of its pages that QEMU takes beside the
 * first pass. Passes show only what is written in long ones, by when a small busy set is full: then
 * nothing tells how fast it fills, nor how hard a throttle would have to be.
 *
 * Beside a migration it is not to be asked in QEMU's modes dirty-bitmap and dirty-ring: these sync
 * and clear the log of written pages that the migration lives by. Page-sampling, which QEMU takes
 * when no mode is named, touches no log: a thread of its own hashes some pages, waits, and hashes
 * them again. It only reads memory, as the first pass does. */
#include "agent/migration/dirty-samples.h"
#include "agent/migration/migration.h"

static void
begin (Migration *m)
{
    DirtySampling *self = &m->sampling;
    const Sample *now = &m->tracker.last;
    QmpClient *client = m->source->client;
    DirtyRate rate;

    self->time_ms = dirty_samples_next_ms (self->taken, now, qmp_client_version (client));
    if (self->time_ms == 0)
        return;
    rate = dirty_samples_question (now, self->time_ms);
    self->since_us = now->now_us;
    self->ended = !dirty_rate_begin (&rate, client, NULL);
}

static void
await (Migration *m)
{
    DirtySampling *self = &m->sampling;
    const Sample *now = &m->tracker.last;
    DirtyRate rate = dirty_samples_question (now, self->time_ms);
    guint64 bytes;

    if (now->now_us <= self->since_us + self->time_ms * G_TIME_SPAN_MILLISECOND ||
        !dirty_rate_read (&rate, m->source->client, &bytes, NULL))
        return;
    dirty_samples_take (&m->tracker.estimate, now, self->time_ms, bytes);
    self->time_ms = 0;
    self->taken++;
}

void
migration_sample_dirtying (Migration *m)
{
    DirtySampling *self = &m->sampling;
    const Sample *now = &m->tracker.last;

    if (self->ended || m->helm.observes || m->is_foreign || now->now_us < DIRTY_SAMPLES_SETTLED_US)
        return;
    if (now->syncs > 1)
        self->ended = TRUE;
    else if (self->time_ms == 0)
        begin (m);
    else
        await (m);
}
