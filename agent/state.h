/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Where records are kept, and what a migration is called. */
#pragma once

#include <glib.h>

/* A folder of ours for what must outlive us ("journal", "traces"): /var/lib/qmpmig for root,
 * $XDG_STATE_HOME/qmpmig for a user, $STATE_DIRECTORY of a service before both. Owned by the
 * caller. */
char *state_path (const char *name);
/* The same, made when missing: 0700, for root and a service 0750. */
char *state_dir (const char *name, GError **error);
/* The same for what may be lost at any time: $CACHE_DIRECTORY, /var/cache/qmpmig,
 * $XDG_CACHE_HOME/qmpmig. */
char *state_cache_dir (GError **error);

/* VM-YYYYMMDDTHHMMSSZ-XXXX. VM_NAME may be NULL or odd, UUID NULL, PID 0. Owned by the caller. */
char *state_migration_id (const char *vm_name, const char *uuid, int pid);
