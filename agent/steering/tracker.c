/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "agent/steering/tracker.h"

void
tracker_init (Tracker *self)
{
    *self =
        (Tracker){ .remaining_at_boundary = SAMPLE_UNKNOWN, .remaining_at_sync = SAMPLE_UNKNOWN };
    sample_init (&self->last);
    outlook_init (&self->outlook);
    estimate_init (&self->estimate);
}

static guint64
known_or_zero (guint64 value)
{
    return value == SAMPLE_UNKNOWN ? 0 : value;
}

static guint64
pages_covered (const Sample *s)
{
    /* QEMU counts a page whose delta was too long twice. */
    return known_or_zero (s->normal_pages) + known_or_zero (s->zero_pages) +
           known_or_zero (s->xbzrle_pages) - known_or_zero (s->xbzrle_overflow);
}

/* Bytes of guest memory dealt with since the last sample: by the pages counted, or, where pages
 * were found unchanged and so not counted, by how far `remaining` fell. */
static guint64
covered_since (const Sample *last, const Sample *now)
{
    guint64 pages = pages_covered (now) - MIN (pages_covered (last), pages_covered (now));
    guint64 by_pages = pages * known_or_zero (now->page_size_bytes);
    gboolean fell =
        last->remaining_bytes != SAMPLE_UNKNOWN && last->remaining_bytes > now->remaining_bytes;

    return fell ? MAX (by_pages, last->remaining_bytes - now->remaining_bytes) : by_pages;
}

/* What QEMU's last look found: by now some of that has been sent, and of a pass that is shorter
 * than the time between two of ours, any part. */
static guint64
found_at_sync (const Tracker *self, const Sample *sample, guint64 covered)
{
    guint64 stood = known_or_zero (self->last.remaining_bytes), left = sample->remaining_bytes;
    guint64 looks = sample->syncs - self->last.syncs;

    if (self->last.syncs == SAMPLE_UNKNOWN || self->last.syncs < 1 || covered < stood)
        return left;
    return MAX (left, (left + covered - stood) / looks);
}

/* Between the last page of a pass and QEMU's look for what was dirtied meanwhile nothing remains:
 * what the next pass has to send is not known yet. */
static gboolean
take_pass (Tracker *self, const Sample *sample, guint64 covered)
{
    gboolean looked = sample->syncs != self->last.syncs;

    if (sample->remaining_bytes == SAMPLE_UNKNOWN)
        return FALSE;
    if (self->remaining_at_boundary == SAMPLE_UNKNOWN)
        self->remaining_at_boundary = known_or_zero (sample->total_bytes);
    self->covered += covered;
    if (looked)
        self->remaining_at_sync = found_at_sync (self, sample, covered);
    if (self->covered < self->remaining_at_boundary || (sample->remaining_bytes == 0 && !looked))
        return FALSE;
    self->remaining_at_boundary = sample->remaining_bytes;
    self->covered = 0;
    self->passes++;
    return TRUE;
}

static void
take_throttle (Tracker *self, Sample *sample, guint64 now_us)
{
    guint64 commanded = self->throttle_commanded_pct;

    if (sample->throttle_pct != SAMPLE_UNKNOWN && now_us > self->last_us)
        self->throttle_integral_us += (now_us - self->last_us) * sample->throttle_pct / 100;
    self->last_us = now_us;
    if (sample->throttle_pct == commanded && self->last.throttle_pct != commanded && commanded > 0)
        self->why |= QMPMIG_WHY_EFFECT;
    sample->throttle_commanded_pct = commanded;
    sample->throttle_integral_us = self->throttle_integral_us;
}

static void
take_progress (Tracker *self, const Sample *s)
{
    Outlook *outlook = &self->outlook;
    double done = 0;

    if (s->remaining_bytes != SAMPLE_UNKNOWN && known_or_zero (s->total_bytes) > 0)
        done = 0.99 * (1 - (double)s->remaining_bytes / (double)s->total_bytes);
    outlook->progress = CLAMP (MAX (outlook->progress, done), 0, 1);
    if (self->remaining_at_boundary != SAMPLE_UNKNOWN && self->remaining_at_boundary > 0)
        outlook->pass_progress =
            MIN (1, (double)self->covered / (double)self->remaining_at_boundary);
}

/* WHEN_US 0: never. */
static guint64
left_us (guint64 when_us, guint64 now_us)
{
    if (when_us == 0)
        return SAMPLE_UNKNOWN;
    return when_us > now_us ? when_us - now_us : 0;
}

static void
take_limits (Sample *s, const Limits *limits, guint64 now_us)
{
    s->limits = (struct qmpmig_limits){
        .max_downtime_us = limits->max_downtime_us,
        .max_stall_us = limits->max_stall_us,
        .deadline_left_us = left_us (limits->deadline_us, now_us),
        .abort_left_us = left_us (limits->abort_us, now_us),
        .max_throttle_pct = limits->max_throttle_pct,
        .max_bandwidth_bytes_per_s = limits->bandwidth_bytes_per_s,
        .if_stuck = limits->if_stuck,
        .postcopy = limits->postcopy,
    };
}

static void
take_times (Tracker *self, Sample *s, guint64 now_us, gboolean pass_ended)
{
    if (s->syncs != self->last.syncs) {
        self->sync_us = (gint64)now_us;
        self->why |= QMPMIG_WHY_SYNC;
    }
    if (pass_ended) {
        self->pass_us = (gint64)now_us;
        self->why |= QMPMIG_WHY_PASS;
    }
    if (s->status != self->last.status)
        self->why |= QMPMIG_WHY_STATUS;
    s->now_us = now_us;
    s->since_sync_us = now_us - (guint64)self->sync_us;
    s->since_pass_us = now_us - (guint64)self->pass_us;
    s->sequence = self->sequence++;
    s->passes = self->passes;
    s->first_pass_done = self->passes > 0;
    s->remaining_at_sync_bytes = self->remaining_at_sync;
}

/* Until a policy says better: as long as nothing changes. */
static void
take_outlook (Tracker *self, const Sample *s)
{
    Outlook *outlook = &self->outlook;
    guint64 dirty = self->postcopy ? 0 : known_or_zero (s->dirty_bytes_per_s);
    guint64 link = known_or_zero (s->link_bytes_per_s);

    if (self->has_forecast && !self->postcopy)
        return;
    outlook->remaining_us = SAMPLE_UNKNOWN;
    outlook->verdict = QMPMIG_VERDICT_UNKNOWN;
    if (s->remaining_bytes == SAMPLE_UNKNOWN || link == 0)
        return;
    if (dirty < link)
        outlook->remaining_us =
            (guint64)((double)s->remaining_bytes * G_USEC_PER_SEC / (double)(link - dirty));
    if (self->passes > 0 && s->dirty_bytes_per_s != SAMPLE_UNKNOWN)
        outlook->verdict =
            dirty < link / 10 * 9 ? QMPMIG_VERDICT_ON_COURSE : QMPMIG_VERDICT_NEEDS_ACTION;
}

void
tracker_take_forecast (Tracker *self, const struct qmpmig_advice *forecast)
{
    if (forecast->verdict == QMPMIG_VERDICT_UNKNOWN)
        return;
    self->has_forecast = TRUE;
    self->outlook.verdict = forecast->verdict;
    self->outlook.remaining_us = forecast->remaining_us;
}

gboolean
tracker_take (Tracker *self, Sample *sample, const Limits *limits, guint64 now_us)
{
    guint64 covered = covered_since (&self->last, sample);
    gboolean ended = take_pass (self, sample, covered);

    take_limits (sample, limits, now_us);
    take_times (self, sample, now_us, ended);
    take_throttle (self, sample, now_us);
    estimate_take (&self->estimate, &self->last, sample, covered, ended);
    take_progress (self, sample);
    take_outlook (self, sample);
    sample->why = self->why ? self->why : QMPMIG_WHY_CLOCK;
    self->why = 0;
    self->last = *sample;
    return ended;
}
