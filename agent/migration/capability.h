/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* What we know of QEMU's migration capabilities: what each means, which end has to set it, and
 * which do not go together. The union of what any QEMU version refuses holds for all: the newest is
 * not the strictest, and an older one may accept what then loses a guest. */
#pragma once

#include <glib.h>

typedef enum {
    SIDES_SOURCE = 1,
    SIDES_DESTINATION = 2,
    SIDES_EACH = 3,   /* each end for itself */
    SIDES_SHARED = 7, /* both ends must agree */
} CapabilitySides;

typedef struct {
    const char *name; /* QEMU's */
    CapabilitySides sides;
    const char *meaning; /* a few words for people */
    const char *since;   /* QEMU release, "" if ancient */
} Capability;

extern const Capability capability_table[];           /* ends with a NULL name */
const Capability *capability_find (const char *name); /* NULL: one that we do not know */
gboolean capability_is_shared (const Capability *self);

/* Why A and B cannot both be on, or NULL. Order does not matter. */
const char *capability_conflict (const char *a, const char *b);
