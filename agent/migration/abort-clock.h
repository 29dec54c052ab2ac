/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* When whoever started a migration will give it up, by his own clock. Pure. */
#pragma once

#include <glib.h>

#define ABORT_CLOCK_ERROR (abort_clock_error_quark ())
GQuark abort_clock_error_quark (void); /* one code, 0 */

typedef enum { ABORT_NONE, ABORT_PASSES, ABORT_TIME_PER_GIB } AbortKind;

typedef struct {
    AbortKind kind;
    guint passes;       /* the one at which VDSM gives up */
    guint64 us_per_gib; /* Nova's */
} AbortClock;

/* "none", "vdsm" or "vdsm:PASSES", "nova" or "nova:TIME" (for each GiB). */
gboolean abort_clock_parse (const char *text, AbortClock *ret_clock, GError **error);
/* What is left at ELAPSED_US, after so many of QEMU's SYNCS, on the early side; G_MAXUINT64: nobody
 * will give up. */
guint64 abort_clock_left_us (const AbortClock *self, guint64 ram_bytes, guint64 syncs,
                             guint64 elapsed_us);
