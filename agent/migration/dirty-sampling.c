/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* How much a guest writes in short times, from samples of its pages that QEMU takes beside the
 * first pass. Passes show only what is written in long ones, by when a small busy set is full: then
 * nothing tells how fast it fills, nor how hard a throttle would have to be. */
#include "agent/migration/migration.h"
#include "qmp/value.h"

/* The measured times: what fits beside a first pass, and is short beside others. */
static const guint times_ms[] = { 100, 400 };

/* The first write to each page is slow when QEMU has begun to look; not before most are through. */
#define SETTLED_US ((guint64)500 * G_TIME_SPAN_MILLISECOND)

#define WANTED_PAGES  4096 /* 16 MiB to look through, twice */
#define LEAST_PER_GIB 128  /* QEMU's limits */
#define MOST_PER_GIB  16384
#define ENOUGH_HITS   16 /* fewer pages that changed say little */
/* QEMU looks through what is no smaller. */
#define LEAST_RAM ((guint64)128 << 20)
#define GIB       1073741824.0
#define MIB       1048576.0

/* Times in milliseconds came with 8.2. */
static gboolean
is_possible (const Migration *m)
{
    const Sample *s = &m->tracker.last;
    const QmpVersion *version = qmp_client_version (m->source->client);

    return version->major * 100 + version->minor >= 802 && s->total_bytes != SAMPLE_UNKNOWN &&
           s->total_bytes >= LEAST_RAM && s->guest_running == 1;
}

static gboolean
begin (Migration *m, guint time_ms)
{
    double pages = WANTED_PAGES * GIB / (double)m->tracker.last.total_bytes;
    g_autoptr (json_object) reply = qmp_client_call (
        m->source->client, "calc-dirty-rate",
        qmp_object ("calc-time", json_object_new_int ((int)time_ms), "calc-time-unit",
                    json_object_new_string ("millisecond"), "sample-pages",
                    json_object_new_int ((int)CLAMP (pages, LEAST_PER_GIB, MOST_PER_GIB)), NULL),
        NULL);

    return reply != NULL;
}

/* What is written a second time with the same contents is not seen: at most as much was dirtied. */
static void
take (Migration *m, json_object *answer, guint time_ms)
{
    double bytes = (double)qmp_peek_uint (answer, "dirty-rate", 0) * MIB * time_ms / 1000;

    if (bytes * WANTED_PAGES >= ENOUGH_HITS * (double)m->tracker.last.total_bytes)
        estimate_take_sampled (&m->tracker.estimate, (guint64)time_ms * 1000, (guint64)bytes);
}

static gboolean
is_measured (Migration *m, guint time_ms)
{
    g_autoptr (json_object) answer = qmp_client_call (
        m->source->client, "query-dirty-rate",
        qmp_object ("calc-time-unit", json_object_new_string ("millisecond"), NULL), NULL);

    if (!answer || !g_str_equal (qmp_peek_string (answer, "status", ""), "measured"))
        return FALSE;
    take (m, answer, time_ms);
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
