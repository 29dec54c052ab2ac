/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "agent/simulate/vcpu.h"

#include <math.h>

void
vcpu_throttle (Vcpu *self, double throttle, double now_us)
{
    if (throttle != self->throttle)
        self->since_us = now_us;
    self->throttle = throttle;
}

double
vcpu_stall_us (const Vcpu *self)
{
    return VCPU_SLICE_US * self->throttle / (1 - self->throttle);
}

/* Since the throttle began: it sleeps first. */
static double
awake_us (const Vcpu *self, double us)
{
    double sleep = vcpu_stall_us (self), period = sleep + VCPU_SLICE_US;

    return floor (us / period) * VCPU_SLICE_US + MAX (fmod (us, period) - sleep, 0);
}

double
vcpu_sleeps_us (const Vcpu *self, double now_us)
{
    double sleep = vcpu_stall_us (self);
    double at_us = fmod (now_us - self->since_us, sleep + VCPU_SLICE_US);

    return self->stopped ? 0 : MAX (sleep - at_us, 0);
}

double
vcpu_work_us (const Vcpu *self, double from_us, double to_us)
{
    double runs = 1 - self->throttle;
    double speed = MIN (1, runs / self->busy) / runs;

    if (self->stopped)
        return 0;
    if (self->throttle == 0)
        return to_us - from_us;
    return speed *
           (awake_us (self, to_us - self->since_us) - awake_us (self, from_us - self->since_us));
}
