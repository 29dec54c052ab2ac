/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Shared by the files of the units only. All return FALSE, so that a failure is one line. */
#pragma once

#include "agent/units.h"

/* TEXT is NUMBER and a UNIT that is none. */
gboolean units_fail_time (const char *name, const char *text, double number, const char *unit,
                          GError **error);
gboolean units_fail_size (const char *name, const char *text, double number, const char *unit,
                          GError **error);
/* IS_SIZE: it is one of a size. */
gboolean units_fail_rate (const char *name, const char *text, double number, const char *unit,
                          gboolean is_size, GError **error);
