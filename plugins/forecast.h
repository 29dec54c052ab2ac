/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* How a pre-copy would go on: the recursion R' = U((1 - throttle) T(R)), where T(R) is the time to
 * send R and U the working-set curve. Shared by policies; plain C99, pure. */
#ifndef QMPMIG_FORECAST_H
#define QMPMIG_FORECAST_H

#include "curve.h"

#define FORECAST_PAGE_HEADER 8

struct forecast_model {
    struct curve_model curve;
    double link;      /* bytes per second */
    double page_size; /* bytes */
    double page_cost; /* bytes sent for a page */
    int has_deltas;   /* a page that is as it was when sent last costs next to nothing */
};

/* Passes that leave more than this part of what they had to send do not shrink. */
#define FORECAST_SHRINKS 0.8

struct forecast_case {
    double remaining_bytes; /* now, of a pass that began with pass_bytes */
    double pass_bytes;
    double throttle_now, throttle; /* 0 to 1; the second from the first look that counts */
    double lag_us;                 /* until one can count */
    int looks_in_passes;           /* every five seconds, since QEMU 9.2 */
    double look_us;                /* what a look takes while throttled */
    int after_stall;               /* it is commanded when a pass has not shrunk, not now */
    double stop_us;                /* it ends when what a look finds can be sent in so much time */
    double throttled_stop_us;      /* once the throttle is commanded; 0: as before */
};

struct forecast {
    int ends;
    double time_us;     /* until the guest stops; the blackout follows */
    double blackout_us; /* to send what is left then; without the fixed cost of the switch */
    double lost_us;     /* taken by the throttle on the way */
    double next_bytes;  /* what the running pass will leave */
    double stall_us;    /* time to send what passes settle at */
};

/* 0: too little is known. */
int forecast_model_init (struct forecast_model *self, const struct qmpmig_sample *sample);
double forecast_send_us (const struct forecast_model *self, double bytes);
struct forecast forecast_run (const struct forecast_model *self, const struct forecast_case *c);
/* The link, in bytes per second, over which it ends with that throttle. */
double forecast_needed_link (const struct forecast_model *self, double throttle, double stop_us);

#endif
