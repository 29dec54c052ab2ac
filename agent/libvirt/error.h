/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* libvirt's errors as ours. */
#pragma once

#include "agent/libvirt/module.h"

/* FALSE, so that a failure is one line. */
gboolean error_set (GError **error, LibvirtErrorCode code, const char *format, ...)
    G_GNUC_PRINTF (3, 4);
/* The last one of this thread: "WHAT: its words". */
gboolean error_take (GError **error, const char *what);
