/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* How much a guest writes in short times, from samples of its pages that QEMU takes beside the
 * first pass. Passes show only what is written in long ones, by when a small busy set is full: then
 * nothing tells how fast it fills, nor how hard a throttle would have to be.
 *
 * Beside a migration it is not to be asked in QEMU's modes dirty-bitmap and dirty-ring: these sync
 * and clear the log of written pages that the migration lives by. Page-sampling, which QEMU takes
 * when no mode is named, touches no log: a thread of its own hashes some pages, waits, and hashes
 * them again. It only reads memory, as the first pass does. */
#include "agent/migration/dirty-rate.h"
#include "agent/migration/migration.h"

/* The measured times: what fits beside a first pass, and is short beside others. */
static const guint times_ms[] = { 100, 400 };

/* The first write to each page is slow when QEMU has begun to look; not before most are through. */
#define SETTLED_US ((guint64)500 * G_TIME_SPAN_MILLISECOND)

static gboolean
is_possible (const Migration *m)
{
    const Sample *s = &m->tracker.last;

    return dirty_rate_has_milliseconds (qmp_client_version (m->source->client)) &&
           s->total_bytes != SAMPLE_UNKNOWN && s->total_bytes >= DIRTY_RATE_LEAST_RAM &&
           s->guest_running == 1;
}

static DirtyRate
question (const Migration *m, guint time_ms)
{
    return (DirtyRate){ .ram_bytes = m->tracker.last.total_bytes,
                        .time_ms = time_ms,
                        .pages = DIRTY_RATE_BESIDE_PAGES };
}

static gboolean
begin (Migration *m, guint time_ms)
{
    DirtyRate rate = question (m, time_ms);

    return dirty_rate_begin (&rate, m->source->client, NULL);
}

/* What is written a second time with the same contents is not seen: at most as much was dirtied. */
static gboolean
is_measured (Migration *m, guint time_ms)
{
    DirtyRate rate = question (m, time_ms);
    guint64 bytes;

    if (!dirty_rate_read (&rate, m->source->client, &bytes, NULL))
        return FALSE;
    if ((double)bytes * DIRTY_RATE_BESIDE_PAGES >=
        DIRTY_RATE_ENOUGH_HITS * (double)m->tracker.last.total_bytes)
        estimate_take_sampled (&m->tracker.estimate, (guint64)time_ms * 1000, bytes);
    return TRUE;
}

void
migration_sample_dirtying (Migration *m)
{
    DirtySampling *self = &m->sampling;
    guint64 now_us = m->tracker.last.now_us;

    if (self->ended || m->helm.observes || m->is_foreign || now_us < SETTLED_US)
        return;
    if (self->step >= G_N_ELEMENTS (times_ms) || m->tracker.last.syncs > 1) {
        self->ended = TRUE;
    } else if (!self->runs) {
        self->ended = !is_possible (m) || !begin (m, times_ms[self->step]);
        self->runs = TRUE;
        self->since_us = now_us;
    } else if (now_us > self->since_us + times_ms[self->step] * G_TIME_SPAN_MILLISECOND &&
               is_measured (m, times_ms[self->step])) {
        self->step++;
        self->runs = FALSE;
    }
}
