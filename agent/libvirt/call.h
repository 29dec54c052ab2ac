/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* A call that may block for ever, made on a worker; who waits for it does so for a time only. */
#pragma once

#include <glib.h>

/* NULL with an error, or a result. DATA is the worker's alone. */
typedef gpointer (*CallFunc) (gpointer data, GError **error);

/* Takes DATA. A result that comes after TIMEOUT_US goes to FREE_RESULT (may be NULL). WHAT is said
 * in the error ("list the domains"). */
gpointer call_run (const char *what, CallFunc func, gpointer data, GDestroyNotify free_data,
                   GDestroyNotify free_result, gint64 timeout_us, GError **error);
/* Runs FUNC on a worker; nobody waits. */
void call_start (GFunc func, gpointer data);
/* Those that nobody waits for any more and that have not come back. */
guint call_abandoned (void);
