/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "agent/steering/estimate.h"

#include <math.h>

/* A rate counts half after this time. */
#define HALF_LIFE_US (1.5 * G_TIME_SPAN_SECOND)
/* Rates under another limit count as that much of one under this. */
#define OTHER_LIMIT_US (50 * G_TIME_SPAN_MILLISECOND)
/* Of a vCPU at 99 %: 990 ms. */
#define LONGEST_SLEEP_US (1200 * G_TIME_SPAN_MILLISECOND)
/* Fewer pages say nothing of how many bytes one costs. */
#define ENOUGH_PAGES 64
#define PAGE_HEADER  8
/* A throttled guest runs in slices of 10 ms: which of them fall into a shorter time is chance. */
#define BLURRED_US (20 * G_TIME_SPAN_MILLISECOND)
/* A look that found more than this part of the one before unsent was no end of a pass. */
#define UNSENT 0.125
/* From the source's STOP to the destination's RESUME with no memory left: 10 to 50 ms seen. */
#define SWITCHOVER_US (30 * G_TIME_SPAN_MILLISECOND)

void
estimate_init (Estimate *self)
{
    *self = (Estimate){ .first_pass = TRUE };
    working_set_init (&self->set);
}

void
estimate_take_sampled (Estimate *self, guint64 time_us, guint64 bytes)
{
    working_set_add (&self->set, (double)time_us, bytes);
}

static guint64
known (guint64 value)
{
    return value == SAMPLE_UNKNOWN ? 0 : value;
}

static guint64
pages_sent (const Sample *s)
{
    return known (s->normal_pages) + known (s->zero_pages) + known (s->xbzrle_pages) -
           known (s->xbzrle_overflow);
}

/* Weighted by time: the first look may be milliseconds after the start, when all that has been sent
 * has gone into the socket's buffer at the speed of memory. */
static void
take_link (Estimate *self, const Sample *now)
{
    double dt_us = (double)(now->now_us - self->last_us);
    double rate = (double)(now->sent_bytes - self->last_sent) * G_USEC_PER_SEC / dt_us;
    double kept = exp2 (-dt_us / HALF_LIFE_US);

    self->weight = self->weight * kept + dt_us;
    self->mean += dt_us / self->weight * (rate - self->mean);
    self->square += dt_us / self->weight * (rate * rate - self->square);
}

/* The bandwidth limit was changed: what went over the link before tells little of what does now. */
static void
take_limit (Estimate *self, const Sample *now)
{
    double limit = (double)known (now->bandwidth_limit_bytes_per_s);

    if (known (now->bandwidth_limit_bytes_per_s) != self->limit)
        self->weight = MIN (self->weight, OTHER_LIMIT_US);
    self->limit = known (now->bandwidth_limit_bytes_per_s);
    if (limit == 0 || self->mean <= limit)
        return;
    self->mean = limit;
    self->square = limit * limit;
}

/* What such pages take is QEMU's time, not the link's. */
static gboolean
were_mostly_zero (const Sample *last, const Sample *now)
{
    return known (now->zero_pages) - known (last->zero_pages) >
           known (now->normal_pages) - known (last->normal_pages);
}

/* Without KVM a look is over when each vCPU was awake once, and a throttled one sleeps for up to a
 * second. Nothing is sent meanwhile; some samples later the link would seem to have gone. */
static gboolean
waited_for_guest (Estimate *self, const Sample *last, const Sample *now)
{
    gboolean looked = now->syncs != last->syncs, waited = self->waits;

    self->waits = looked || (waited && now->sent_bytes == self->last_sent);
    return known (last->throttle_pct) > 1 && now->since_sync_us < LONGEST_SLEEP_US &&
           (looked || waited);
}

static gboolean
tells_link (Estimate *self, const Sample *last, const Sample *now)
{
    double bytes = (double)(now->sent_bytes - self->last_sent);
    double us = (double)(now->now_us - self->last_us);

    return !waited_for_guest (self, last, now) &&
           (!were_mostly_zero (last, now) || bytes * G_USEC_PER_SEC > self->mean * us);
}

static void
take_bytes (Estimate *self, const Sample *last, Sample *now)
{
    if (now->sent_bytes == SAMPLE_UNKNOWN || now->now_us == SAMPLE_UNKNOWN)
        return;
    if (self->last_us && now->now_us > self->last_us && now->sent_bytes >= self->last_sent &&
        tells_link (self, last, now))
        take_link (self, now);
    take_limit (self, now);
    self->last_us = now->now_us;
    self->last_sent = now->sent_bytes;
    if (self->mean <= 0) { /* the first look: QEMU has counted for longer */
        if (known (now->bandwidth_bytes_per_s) > 0)
            now->link_bytes_per_s = now->link_low_bytes_per_s = now->bandwidth_bytes_per_s;
        return;
    }
    now->link_bytes_per_s = (guint64)self->mean;
    now->link_low_bytes_per_s = (guint64)MAX (
        self->mean - sqrt (MAX (self->square - self->mean * self->mean, 0)), self->mean / 2);
}

static void
take_page_cost (Estimate *self, Sample *now, gboolean pass_ended)
{
    guint64 pages = pages_sent (now), sent = known (now->sent_bytes);

    if (self->first_pass)
        self->page_bytes = known (now->page_size_bytes) + PAGE_HEADER;
    else if (pages >= self->pass_pages + ENOUGH_PAGES)
        self->page_bytes = MAX ((sent - self->pass_sent) / (pages - self->pass_pages), 1);
    now->page_bytes = self->page_bytes;
    if (!pass_ended)
        return;
    self->first_pass = FALSE;
    self->pass_pages = pages;
    self->pass_sent = sent;
}

/* Guest time runs slower under a throttle, which changes at a look, and not at all while the guest
 * stands still. */
static void
take_guest_time (Estimate *self, const Sample *last, const Sample *now)
{
    double running = 1 - (double)known (last->throttle_pct) / 100;

    if (last->now_us != SAMPLE_UNKNOWN && now->guest_running == 1)
        self->guest_time_us += (double)(now->now_us - last->now_us) * running;
}

/* LEFT had not been sent yet when QEMU looked. */
static void
take_look (Estimate *self, const Sample *last, double left, guint64 dirtied)
{
    double began = (double)known (last->remaining_at_sync_bytes);

    if (self->guest_time_us <= BLURRED_US)
        return;
    if (curve_points (&self->set.seen) == 0 || left <= UNSENT * began)
        working_set_add (&self->set, self->guest_time_us, dirtied);
    else
        working_set_add_within (&self->set, self->guest_time_us, began, left, (double)dirtied);
}

/* Several in one look of ours: one of them on average. With a throttle it is chance how much of so
 * short a time the guest ran. */
static void
take_looks (Estimate *self, const Sample *last, guint64 looks, guint64 dirtied)
{
    double us = self->guest_time_us / (double)looks;

    if (known (last->throttle_pct) <= 1 || us > BLURRED_US)
        working_set_add (&self->set, us, dirtied / looks);
}

static void
take_sync (Estimate *self, const Sample *last, Sample *now, guint64 covered_bytes)
{
    guint64 stood = known (last->remaining_bytes), looks = now->syncs - last->syncs;
    guint64 left = stood > covered_bytes ? stood - covered_bytes : 0;
    guint64 dirtied = now->remaining_bytes + covered_bytes > stood
                          ? now->remaining_bytes + covered_bytes - stood
                          : 0;

    now->dirtied_bytes = dirtied;
    now->since_sync_us = 0;
    if (last->syncs > 0 && looks == 1) /* the first finds all of memory */
        take_look (self, last, (double)left, dirtied);
    else if (last->syncs > 1)
        take_looks (self, last, looks, dirtied);
    self->guest_time_us = 0;
}

static double
time_to_send_us (const Sample *s, double bytes)
{
    return bytes / (double)s->page_size_bytes * (double)s->page_bytes * G_USEC_PER_SEC /
           (double)s->link_bytes_per_s;
}

/* The guest may write in max_downtime what can be sent in it, no more. */
static guint64
workable_throttle (const Sample *s, const struct curve_model *model)
{
    double allowed_us = (double)s->limits.max_downtime_us;
    double bytes = allowed_us / time_to_send_us (s, 1);
    double guest_us = curve_time_us (model, bytes, allowed_us);

    return (guint64)ceil (100 * (1 - guest_us / allowed_us));
}

static void
foretell (Sample *now)
{
    double running = 1 - (double)known (now->throttle_pct) / 100;
    guint64 left = now->remaining_at_sync_bytes;
    struct curve_model model;

    now->switchover_us = SWITCHOVER_US;
    if (now->remaining_bytes == SAMPLE_UNKNOWN || known (now->page_size_bytes) == 0 ||
        known (now->link_bytes_per_s) == 0)
        return;
    now->downtime_if_stopped_us = (guint64)time_to_send_us (now, (double)now->remaining_bytes);
    if (curve_points (&now->curve) == 0 || left == SAMPLE_UNKNOWN)
        return;
    curve_model_init (&model, &now->curve);
    now->remaining_after_pass_bytes =
        (guint64)curve_bytes (&model, running * time_to_send_us (now, (double)left));
    if (known (now->limits.max_downtime_us) > 0)
        now->workable_throttle_pct = workable_throttle (now, &model);
}

void
estimate_take (Estimate *self, const Sample *last, Sample *now, guint64 covered_bytes,
               gboolean pass_ended)
{
    guint points;

    take_bytes (self, last, now);
    take_page_cost (self, now, pass_ended);
    take_guest_time (self, last, now);
    if (now->syncs != SAMPLE_UNKNOWN && last->syncs != SAMPLE_UNKNOWN && now->syncs > last->syncs)
        take_sync (self, last, now, covered_bytes);
    now->curve = working_set_curve (&self->set);
    points = curve_points (&now->curve);
    now->confidence_pct = points > 3 ? 90 : points * 25;
    foretell (now);
}
