/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Sees in libvirt which guests begin to leave this host, whoever has them do so. What can block is
 * done on a thread of its own, which goes on trying while libvirtd is away. */
#pragma once

#include <glib.h>

typedef struct Watcher Watcher;

typedef void (*WatcherFunc) (const char *domain, const char *uuid, gpointer data);

/* URI NULL: libvirt's default. FUNC is called in the main context, once for each migration away. */
Watcher *watcher_new (const char *uri, WatcherFunc func, gpointer data);
/* On the main thread; FUNC is not called any more. A call to libvirt that is under way is not
 * waited for. */
void watcher_free (Watcher *self);
