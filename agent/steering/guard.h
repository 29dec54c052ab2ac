/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* The guard rails above every policy: what an advice asks beyond the operator's limits, QEMU's
 * ranges or what can be done now is cut or dropped, and each change is told. Pure. */
#pragma once

#include "agent/steering/sample.h"

/* Changes ADVICE in place. What was changed goes to CHANGED (char *, sentences). */
void guard_advice (const Sample *sample, struct qmpmig_advice *advice, GPtrArray *changed);
