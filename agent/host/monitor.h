/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Opens a QMP monitor the way every command does: reply timeout, --verbose, and, where a monitor is
 * held by somebody else, who that is. */
#pragma once

#include "agent/options.h"
#include "qmp/client.h"

/* LABEL: "source", "destination", or "VM". On QMP_ERROR_HELD the message names pid and program of
 * the holder, or says that QEMU is stopped (state T), where the kernel tells. */
QmpClient *monitor_open (GMainContext *context, const QmpAddress *address, const char *label,
                         const GlobalOptions *global, GCancellable *cancel, GError **error);
/* The same in steps, of which the last is qmp_client_negotiate(). */
QmpClient *monitor_connect (GMainContext *context, const QmpAddress *address, const char *label,
                            const GlobalOptions *global, GCancellable *cancel, GError **error);
gboolean monitor_greet (QmpClient *client, const QmpAddress *address, GError **error);
