/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "agent/steering/tracker.h"

/* Weight of a new bandwidth against the mean of the ones before: about a second at ten a second. */
#define BANDWIDTH_WEIGHT 0.1
/* A pass that leaves more than this part of what the one before left has not shrunk. */
#define PASS_SHRINKS_BELOW 0.9

void
tracker_init (Tracker *self)
{
    *self = (Tracker){ .remaining_at_boundary = SAMPLE_UNKNOWN,
                       .remaining_at_previous = SAMPLE_UNKNOWN,
                       .remaining_at_sync = SAMPLE_UNKNOWN };
    sample_init (&self->last);
}

static guint64
known_or_zero (guint64 value)
{
    return value == SAMPLE_UNKNOWN ? 0 : value;
}

static guint64
pages_covered (const Sample *s)
{
    return known_or_zero (s->normal_pages) + known_or_zero (s->zero_pages) +
           known_or_zero (s->xbzrle_pages);
}

/* Bytes of guest memory dealt with since the last sample: by the pages counted, or, where pages
 * were found unchanged and so not counted, by how far `remaining` fell. */
static guint64
covered_since (const Sample *last, const Sample *now)
{
    guint64 pages = pages_covered (now) - MIN (pages_covered (last), pages_covered (now));
    guint64 by_pages = pages * known_or_zero (now->page_size_bytes);
    guint64 fell = last->remaining_bytes > now->remaining_bytes
                       ? last->remaining_bytes - now->remaining_bytes
                       : 0;

    return MAX (by_pages, fell);
}

static gboolean
take_pass (Tracker *self, const Sample *sample)
{
    if (sample->remaining_bytes == SAMPLE_UNKNOWN)
        return FALSE;
    if (self->remaining_at_boundary == SAMPLE_UNKNOWN) {
        self->remaining_at_boundary = known_or_zero (sample->total_bytes);
        self->covered = pages_covered (sample) * known_or_zero (sample->page_size_bytes);
    } else {
        self->covered += covered_since (&self->last, sample);
    }
    if (sample->syncs != self->last.syncs)
        self->remaining_at_sync = sample->remaining_bytes;
    if (self->covered < self->remaining_at_boundary)
        return FALSE;
    self->remaining_at_previous = self->remaining_at_boundary;
    self->remaining_at_boundary = sample->remaining_bytes;
    self->covered = 0;
    self->passes++;
    return TRUE;
}

static void
take_throttle (Tracker *self, const Sample *sample, guint64 now_us)
{
    if (sample->throttle_pct != SAMPLE_UNKNOWN && now_us > self->last_us)
        self->throttle_integral_us += (now_us - self->last_us) * sample->throttle_pct / 100;
    self->last_us = now_us;
}

static void
take_bandwidth (Tracker *self, const Sample *sample)
{
    guint64 now = sample->bandwidth_bytes_per_s;

    if (now == SAMPLE_UNKNOWN || now == 0)
        return;
    if (self->sent_mean == 0)
        self->sent_mean = now;
    else
        self->sent_mean =
            (guint64)(self->sent_mean * (1 - BANDWIDTH_WEIGHT) + now * BANDWIDTH_WEIGHT);
}

gboolean
tracker_has_stalled (const Tracker *self)
{
    return !self->postcopy && self->passes >= 2 && self->remaining_at_previous != SAMPLE_UNKNOWN &&
           (double)self->remaining_at_boundary >
               PASS_SHRINKS_BELOW * (double)self->remaining_at_previous;
}

static void
forecast (const Tracker *self, Sample *s, const Limits *limits)
{
    guint64 dirty = self->postcopy ? 0 : known_or_zero (s->dirty_bytes_per_s);

    if (s->remaining_bytes == SAMPLE_UNKNOWN || self->sent_mean == 0)
        return;
    s->downtime_if_stopped_us =
        (guint64)((double)s->remaining_bytes * G_USEC_PER_SEC / (double)self->sent_mean);
    /* Of passes that do not shrink nobody can say when they end. */
    if (dirty < self->sent_mean && !tracker_has_stalled (self))
        s->remaining_us = (guint64)((double)s->remaining_bytes * G_USEC_PER_SEC /
                                    (double)(self->sent_mean - dirty));
    else
        s->remaining_us = SAMPLE_UNKNOWN;
    if (self->passes == 0 || s->dirty_bytes_per_s == SAMPLE_UNKNOWN)
        s->verdict = "unknown";
    else if (s->downtime_if_stopped_us <= limits->max_downtime_us ||
             dirty < self->sent_mean / 10 * 9)
        s->verdict = "on-course";
    else
        s->verdict = "needs-action";
}

static void
take_progress (Tracker *self, Sample *s)
{
    if (s->remaining_bytes != SAMPLE_UNKNOWN && known_or_zero (s->total_bytes) > 0)
        self->progress =
            MAX (self->progress, 0.99 * (1 - (double)s->remaining_bytes / (double)s->total_bytes));
    s->progress = CLAMP (self->progress, 0, 1);
    if (self->remaining_at_boundary != SAMPLE_UNKNOWN && self->remaining_at_boundary > 0)
        s->pass_progress = MIN (1, (double)self->covered / (double)self->remaining_at_boundary);
}

static void
take_limits (const Tracker *self, Sample *s, const Limits *limits, guint64 now_us)
{
    s->max_downtime_us = limits->max_downtime_us;
    s->max_stall_us = limits->max_stall_us;
    s->max_throttle_pct = limits->max_throttle_pct;
    if (limits->deadline_us)
        s->deadline_left_us = limits->deadline_us > now_us ? limits->deadline_us - now_us : 0;
    s->throttle_commanded_pct = self->throttle_commanded_pct;
}

gboolean
tracker_take (Tracker *self, Sample *sample, const Limits *limits, guint64 now_us)
{
    gboolean ended = take_pass (self, sample);

    take_throttle (self, sample, now_us);
    take_bandwidth (self, sample);
    take_limits (self, sample, limits, now_us);
    sample->sequence = self->sequence++;
    sample->passes = self->passes;
    sample->remaining_at_sync_bytes = self->remaining_at_sync;
    sample->throttle_integral_us = self->throttle_integral_us;
    take_progress (self, sample);
    forecast (self, sample, limits);
    self->last = *sample;
    return ended;
}
