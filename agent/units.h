/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Numbers with their units, as people write and read them. A number without its unit is an error
 * that shows both readings: nobody has to guess whether 300 was meant in seconds. */
#pragma once

#include <glib.h>

#define UNITS_ERROR (units_error_quark ())
GQuark units_error_quark (void); /* one code, 0: a usage error */
/* "NAME: ...". FALSE, so that a failure is one line. */
gboolean units_fail (GError **error, const char *name, const char *format, ...)
    G_GNUC_PRINTF (3, 4);

#define UNITS_UNLIMITED G_MAXUINT64

/* NAME is what the error speaks of: "--max-downtime". All write *ret_value on success only. */
gboolean units_parse_time (const char *name, const char *text, guint64 *ret_us, GError **error);
gboolean units_parse_size (const char *name, const char *text, guint64 *ret_bytes, GError **error);
/* Bits or bytes per second; "unlimited" is UNITS_UNLIMITED. */
gboolean units_parse_rate (const char *name, const char *text, guint64 *ret_bytes_per_s,
                           GError **error);
gboolean units_parse_percent (const char *name, const char *text, guint *ret_pct, GError **error);
gboolean units_parse_uint (const char *name, const char *text, guint64 min, guint64 max,
                           guint64 *ret_value, GError **error);
gboolean units_parse_bool (const char *name, const char *text, gboolean *ret_value, GError **error);

/* Three or four significant digits and a unit that the parser above takes: "347 ms", "1.25 GiB",
 * "48.2 MiB/s", "2 min 05 s". Owned by the caller. */
char *units_format_time (guint64 us);
char *units_format_size (guint64 bytes);
char *units_format_rate (guint64 bytes_per_s);
