/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include <glib.h>

/* All of the file PATH, plain or gzip; not more than a trace can have. */
GByteArray *trace_text_read (const char *path, GError **error);
/* Whether a qmpmig is still writing it. */
gboolean trace_text_is_written (const char *path);
