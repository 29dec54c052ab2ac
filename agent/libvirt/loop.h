/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* The module's thread: libvirt's sockets and timers, its callbacks, and the near ends of all
 * monitors. Nothing in it blocks. */
#pragma once

#include <glib.h>

/* Starts it, and gives libvirt to it, at the first call. */
GMainContext *loop_context (void);
/* Calls FUNC there, soon. */
void loop_post (GSourceFunc func, gpointer data);
