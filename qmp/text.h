/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Pieces of the sentences that errors are made of. Internal to qmp/. */
#pragma once

#include <glib.h>

/* "10 s", "1.5 s", "200 ms" */
char *qmp_text_duration (gint64 duration_us);

/* The first line of what a peer sent, shortened, and safe to print on a terminal. */
char *qmp_text_excerpt (const char *bytes, gsize length);
