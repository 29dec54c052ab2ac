/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* The guest's processors under a throttle. QEMU lets a vCPU sleep for 10 ms x p/(1-p) and then run
 * for 10 ms; what an idle guest did not need anyway is not lost. Pure. */
#pragma once

#include <glib.h>

#define VCPU_SLICE_US 10000.0

typedef struct {
    double throttle; /* 0 to 0.99 */
    double since_us; /* when that began */
    double busy;     /* share of the processors that the guest uses when nobody holds it back */
    gboolean stopped;
} Vcpu;

void vcpu_throttle (Vcpu *self, double throttle, double now_us);
/* Work done from FROM_US to TO_US, in time at full speed. */
double vcpu_work_us (const Vcpu *self, double from_us, double to_us);
/* How long it sleeps on. */
double vcpu_sleeps_us (const Vcpu *self, double now_us);
/* The longest standstill that the throttle makes. */
double vcpu_stall_us (const Vcpu *self);
