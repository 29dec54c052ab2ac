/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* QEMU's migration status and run state, by group. A status that we do not know is one that a newer
 * QEMU has: it is still running, never failed. */
#pragma once

#include <glib.h>

typedef enum { END_SOURCE, END_DESTINATION } End;
const char *end_name (End end); /* "source", "destination" */

typedef enum {
    STATUS_NONE,
    STATUS_SETUP, /* also wait-unplug */
    STATUS_ACTIVE,
    STATUS_PRE_SWITCHOVER,
    STATUS_DEVICE,
    STATUS_POSTCOPY_DEVICE,
    STATUS_POSTCOPY_ACTIVE,
    STATUS_POSTCOPY_PAUSED,
    STATUS_POSTCOPY_RECOVER, /* also its setup */
    STATUS_COMPLETED,
    STATUS_CANCELLING,
    STATUS_CANCELLED,
    STATUS_FAILING,
    STATUS_FAILED,
    STATUS_OTHER, /* unknown to us: still running */
} MigrationStatus;

MigrationStatus status_parse (const char *text); /* NULL is STATUS_NONE */
gboolean status_is_terminal (MigrationStatus status);
gboolean status_is_postcopy (MigrationStatus status);
/* A migration is under way: neither none nor terminal. */
gboolean status_is_running (MigrationStatus status);
/* "setup", "pre-copy", "switchover", "postcopy", "paused", "done": what a person calls it. */
const char *status_phase (MigrationStatus status);

/* The guest's vCPUs run, or would if it were not suspended: it has to be continued on arrival. */
gboolean run_state_is_live (const char *run_state);
/* The guest came to its end by itself. */
gboolean run_state_is_ended (const char *run_state);
