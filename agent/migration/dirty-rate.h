/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* How much a guest writes in a time, as QEMU measures it: calc-dirty-rate. Never while another of
 * these runs. */
#pragma once

#include "qmp/client.h"

typedef struct {
    guint64 ram_bytes;
    guint time_ms;    /* whole seconds where dirty_rate_has_milliseconds() is not so */
    guint pages;      /* that are looked at, as far as QEMU's limits let; 0: QEMU's own number */
    const char *mode; /* "dirty-bitmap", "dirty-ring"; NULL: samples of pages */
} DirtyRate;

/* Samples leave out memory of less: QEMU looks through what is no smaller. */
#define DIRTY_RATE_LEAST_RAM ((guint64)128 << 20)

/* Times in milliseconds came with 8.2. */
gboolean dirty_rate_has_milliseconds (const QmpVersion *version);
/* How many pages it looks at, of all. */
guint64 dirty_rate_samples (const DirtyRate *self);
gboolean dirty_rate_begin (const DirtyRate *self, QmpClient *client, GError **error);
/* FALSE without an error: not measured yet. */
gboolean dirty_rate_read (const DirtyRate *self, QmpClient *client, guint64 *ret_bytes,
                          GError **error);
