/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* A connection to libvirt that is made anew when it breaks. */
#pragma once

#include <libvirt/libvirt.h>

#include "agent/libvirt/module.h"

/* How long a pause grows between two attempts. */
#define CONNECTION_MIN_PAUSE_US (100 * G_TIME_SPAN_MILLISECOND)
#define CONNECTION_MAX_PAUSE_US (2 * G_TIME_SPAN_SECOND)

LibvirtConnection *connection_open (const LibvirtOptions *options, GError **error);
LibvirtConnection *connection_ref (LibvirtConnection *self);
void connection_unref (LibvirtConnection *self);
/* One more that has to close it before it ends; NULL is fine to close. */
LibvirtConnection *connection_use (LibvirtConnection *self);
void connection_close (LibvirtConnection *self);
const char *connection_uri (LibvirtConnection *self);
gint64 connection_timeout_us (LibvirtConnection *self);

/* A reference to what is the connection now, within the timeout; give it to virConnectClose(). */
virConnectPtr connection_hold (LibvirtConnection *self, GError **error);

/* Works with what is the connection now. On a worker, may block. */
typedef gpointer (*ConnectionFunc) (virConnectPtr connection, gpointer data, GError **error);
typedef enum {
    CONNECTION_ONCE = 0,
    CONNECTION_RETRY = 1 << 0, /* done again on a new connection if the old one broke meanwhile */
} ConnectionFlags;

/* FUNC on a worker, within the timeout, on a connection that stands. Takes DATA. */
gpointer connection_call (LibvirtConnection *self, const char *what, ConnectionFlags flags,
                          ConnectionFunc func, gpointer data, GDestroyNotify free_data,
                          GDestroyNotify free_result, GError **error);

/* What has to be told to each new connection: GREET on a worker, at once for the present one; LEAVE
 * for one that is given up, or when the listener is removed. LOST in the loop. */
typedef struct {
    void (*greet) (virConnectPtr connection, gboolean is_new, gpointer data);
    void (*leave) (virConnectPtr connection, gpointer data);
    void (*lost) (gpointer data);
} ConnectionListener;

/* Borrows DATA until it is removed. */
void connection_listen (LibvirtConnection *self, const ConnectionListener *listener, gpointer data);
/* No listener runs any more when it returns. On a worker, may block. */
void connection_ignore (LibvirtConnection *self, gpointer data);
