/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Policies that arm something and then leave everything to QEMU. */
#pragma once

#include "qmpmig-plugin.h"

int idle_decide (void *handle, const struct qmpmig_sample *sample, struct qmpmig_advice *advice);
