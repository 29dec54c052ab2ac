/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* A migration that libvirt runs for us: one call of its, which takes as long as the move, in a
 * thread of its own. */
#pragma once

#include "agent/libvirt/module.h"
#include "agent/options.h"

typedef struct Launch Launch;

/* What libvirt cannot do of what was asked. MIGRATE_ERROR, nothing is contacted. */
gboolean launch_check (const GlobalOptions *global, const MigrateOptions *options, GError **error);
/* By the options. */
LibvirtMigrateFlags launch_flags (const MigrateOptions *options);

/* Begins. CONTEXT is woken when it is over. */
Launch *launch_begin (const GlobalOptions *global, const MigrateOptions *options,
                      GMainContext *context, GError **error);
/* The call has come back. */
gboolean launch_is_over (Launch *self);
/* Why it failed, LIBVIRT_ERROR; NULL after success. Borrowed; only when it is over. */
const GError *launch_error (Launch *self);
/* A call that has not come back is left to itself. NULL is fine. */
void launch_unref (Launch *self);
