/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* The text of a trace that somebody wrote before. */
#pragma once

#include <glib.h>

/* All of the file PATH, plain or gzip; not more than a trace can have. */
GByteArray *trace_text_read (const char *path, GError **error);
/* Whether a qmpmig is still writing it. */
gboolean trace_text_is_written (const char *path);
/* A bare name that is no file here is one of the list that `history` prints, with or without its
 * suffix. Owned by the caller. */
char *trace_text_path (const char *name);
