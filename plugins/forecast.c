/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "forecast.h"

#include <math.h>

/* More passes than this are no end. */
#define MOST_PASSES 60
#define BISECTIONS  30
/* A pass that leaves more than this part does not get any further. */
#define SETTLED 0.98
/* While it may throttle it looks so often by itself, in microseconds. */
#define LOOKS_EACH_US 5e6
/* A throttle that is parked. */
#define HARDLY 0.02
/* In a pass, for an average over it. */
#define MOMENTS 8
/* QEMU counts only looks that are so far apart, in microseconds. */
#define COUNTS_EACH_US 1e6
#define MOST_LINK      1e12

int
forecast_model_init (struct forecast_model *self, const struct qmpmig_sample *s)
{
    curve_model_init (&self->curve, &s->curve);
    if (self->curve.points == 0 || s->link_bytes_per_s == QMPMIG_UNKNOWN ||
        s->link_bytes_per_s == 0 || s->page_size_bytes == QMPMIG_UNKNOWN ||
        s->remaining_at_sync_bytes == QMPMIG_UNKNOWN)
        return 0;
    self->link = (double)s->link_bytes_per_s;
    self->page_size = (double)s->page_size_bytes;
    self->page_cost = s->page_bytes == QMPMIG_UNKNOWN ? self->page_size + FORECAST_PAGE_HEADER
                                                      : (double)s->page_bytes;
    self->has_deltas = s->xbzrle_pages != QMPMIG_UNKNOWN;
    return 1;
}

double
forecast_send_us (const struct forecast_model *self, double bytes)
{
    return bytes / self->page_size * self->page_cost / self->link * 1e6;
}

/* What passes settle at: the largest R that a pass of R leaves again. */
static double
settles_at (const struct forecast_model *self, double throttle, double bytes)
{
    for (unsigned pass = 0; pass < MOST_PASSES; pass++) {
        double next = curve_bytes (&self->curve, (1 - throttle) * forecast_send_us (self, bytes));

        if (next >= bytes * SETTLED)
            return bytes;
        bytes = next;
    }
    return bytes;
}

/* Where the passes are. */
struct course {
    const struct forecast_model *model;
    const struct forecast_case *c;
    double time_us, throttle, stop_us;
    double counts_us;           /* from then on a look of QEMU at the dirty pages counts */
    double left;                /* found by the last look */
    double before_us;           /* guest time of the pass before */
    int commanded, has_changed; /* the throttle, at the last look */
};

static void
command (struct course *self)
{
    self->commanded = 1;
    if (self->c->throttled_stop_us > 0)
        self->stop_us = self->c->throttled_stop_us;
}

static void
look (struct course *self, struct forecast *f)
{
    self->has_changed = 0;
    if (self->throttle > HARDLY) {
        self->time_us += self->c->look_us;
        f->lost_us += self->c->look_us;
    }
    if (self->time_us < self->counts_us)
        return;
    self->counts_us = self->time_us + COUNTS_EACH_US;
    if (self->commanded) {
        self->has_changed = self->throttle < self->c->throttle;
        self->throttle = self->c->throttle;
    }
}

/* Guest time in US of a pass, ELAPSED_US of which were before: a look in its middle may bring the
 * throttle into force. */
static double
run (struct course *self, struct forecast *f, double us, double elapsed_us)
{
    double before = self->throttle, wait_us = fmax (LOOKS_EACH_US - elapsed_us, 0);

    if (self->c->looks_in_passes && self->commanded && wait_us < us &&
        self->time_us + wait_us >= self->counts_us)
        self->throttle = self->c->throttle;
    else
        wait_us = us;
    self->time_us += us;
    f->lost_us += before * wait_us + self->throttle * (us - wait_us);
    return (1 - before) * wait_us + (1 - self->throttle) * (us - wait_us);
}

/* The pass that runs ends, and leaves what was dirtied in all of it. */
static void
end_pass (struct course *self, struct forecast *f)
{
    const struct forecast_case *c = self->c;
    double pass_us = forecast_send_us (self->model, c->pass_bytes);
    double left_us = forecast_send_us (self->model, c->remaining_bytes);
    double elapsed_us = fmax (pass_us - left_us, 0);

    self->before_us = (1 - self->throttle) * elapsed_us;
    self->before_us += run (self, f, left_us, elapsed_us);
    self->left = f->next_bytes = curve_bytes (&self->model->curve, self->before_us);
    if (self->left > FORECAST_SHRINKS * c->pass_bytes && !self->commanded)
        command (self);
    look (self, f);
}

/* Of what was written in the pass before, the part that is not written any more from the moment it
 * was sent in it until it is sent again, on average over where in a pass it is sent. */
static double
unchanged (const struct course *self, double running)
{
    const struct curve_model *curve = &self->model->curve;
    double t = self->before_us, sum = 0;

    for (unsigned i = 0; i < MOMENTS; i++) {
        double sent = (i + 0.5) / MOMENTS * t, again = t - sent + running * sent;

        sum += curve_bytes (curve, sent + again) - curve_bytes (curve, again);
    }
    return sum / MOMENTS / fmax (curve_bytes (curve, t), 1);
}

/* Where writes are too dense for deltas they still spare what is found unchanged, and that is a
 * good part when a throttle comes into force. What a page costs was measured without it. */
static double
next_pass_us (const struct course *self)
{
    double us = forecast_send_us (self->model, self->left);

    if (!self->has_changed || !self->model->has_deltas ||
        self->model->page_cost < self->model->page_size / 2)
        return us;
    return us * (1 - unchanged (self, 1 - self->throttle)) / (1 - unchanged (self, 1));
}

/* 0: it leads nowhere. */
static int
next_pass (struct course *self, struct forecast *f)
{
    int in_force = self->throttle == self->c->throttle;
    double next;

    self->before_us = run (self, f, next_pass_us (self), 0);
    next = curve_bytes (&self->model->curve, self->before_us);
    if (in_force && next >= self->left * SETTLED)
        return 0;
    if (!self->commanded && next > FORECAST_SHRINKS * self->left)
        command (self);
    self->left = next;
    look (self, f);
    return 1;
}

struct forecast
forecast_run (const struct forecast_model *self, const struct forecast_case *c)
{
    struct forecast f = { 0 };
    struct course course = { .model = self,
                             .c = c,
                             .throttle =
                                 c->lag_us > 0 || c->after_stall ? c->throttle_now : c->throttle,
                             .stop_us = c->stop_us,
                             .counts_us = c->lag_us };

    if (!c->after_stall)
        command (&course);
    end_pass (&course, &f);
    for (unsigned pass = 0; pass < MOST_PASSES; pass++) {
        double send_us = forecast_send_us (self, course.left);

        if (send_us <= course.stop_us) {
            f.ends = 1;
            f.blackout_us = send_us;
            break;
        }
        if (!next_pass (&course, &f))
            break;
    }
    f.time_us = course.time_us;
    f.stall_us = forecast_send_us (self, settles_at (self, c->throttle, f.next_bytes));
    return f;
}

double
forecast_needed_link (const struct forecast_model *self, double throttle, double stop_us)
{
    double low = self->link, high = MOST_LINK;

    for (unsigned i = 0; i < BISECTIONS; i++) {
        struct forecast_model faster = *self;
        double left;

        faster.link = sqrt (low * high);
        left = settles_at (
            &faster, throttle,
            self->curve.points ? (double)self->curve.curve.bytes[self->curve.points - 1] : 0);
        if (forecast_send_us (&faster, left) <= stop_us)
            high = faster.link;
        else
            low = faster.link;
    }
    return high;
}
