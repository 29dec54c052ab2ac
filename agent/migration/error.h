/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* A migration's own errors. Their code is the exit code, because that is what they mean: where the
 * guest is now. */
#pragma once

#include <glib.h>

#include "agent/exit-code.h"

#define MIGRATE_ERROR (migrate_error_quark ())
GQuark migrate_error_quark (void);

/* FALSE, so that a failure is one line. */
gboolean migrate_fail (GError **error, ExitCode code, const char *format, ...) G_GNUC_PRINTF (3, 4);
