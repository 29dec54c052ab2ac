/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "forecast.h"

#include <math.h>

/* More passes than this are no end. */
#define MOST_PASSES 60
#define BISECTIONS  30
#define MOST_LINK   1e12

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

        if (next >= bytes * 0.98)
            return bytes;
        bytes = next;
    }
    return bytes;
}

struct forecast
forecast_run (const struct forecast_model *self, const struct forecast_case *c)
{
    struct forecast f = { 0 };
    double throttle = c->lag_us > 0 ? c->throttle_now : c->throttle;
    double pass_us = forecast_send_us (self, c->pass_bytes), left;

    f.time_us = forecast_send_us (self, c->remaining_bytes);
    f.lost_us = throttle * f.time_us;
    left = f.next_bytes = curve_bytes (&self->curve, (1 - throttle) * pass_us);
    for (unsigned pass = 0; pass < MOST_PASSES; pass++) {
        double send_us = forecast_send_us (self, left), next;

        if (send_us <= c->stop_us) {
            f.ends = 1;
            f.blackout_us = send_us;
            break;
        }
        if (f.time_us >= c->lag_us)
            throttle = c->throttle;
        next = curve_bytes (&self->curve, (1 - throttle) * send_us);
        f.time_us += send_us;
        f.lost_us += throttle * send_us;
        if (next >= left * 0.98 && f.time_us >= c->lag_us && throttle == c->throttle)
            break;
        left = next;
    }
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
