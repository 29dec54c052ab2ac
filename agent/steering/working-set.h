/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* The working-set curve as a migration gets to know it, with how sure of it it is: looks at the
 * dirty pages in the middle of a pass see but a part of what was written. Pure. */
#pragma once

#include <glib.h>

#include "plugins/curve.h"

typedef struct {
    struct qmpmig_curve seen;   /* over whole passes, and by QEMU's samples */
    struct qmpmig_curve within; /* from parts of what was written */
    /* looks that are taken together: guest time and bytes, by the share of the set that they saw */
    double within_us, within_bytes, within_share;
} WorkingSet;

void working_set_init (WorkingSet *self);
void working_set_add (WorkingSet *self, double guest_us, guint64 bytes);
/* A look that FOUND so many bytes within a pass: BEGAN were found by the one before, LEFT of them
 * had not been sent yet. */
void working_set_add_within (WorkingSet *self, double guest_us, double began, double left,
                             double found);
/* By all that is known. */
struct qmpmig_curve working_set_curve (const WorkingSet *self);
