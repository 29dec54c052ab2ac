/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Shared by the connection's files only. */
#pragma once

#include "agent/libvirt/connection.h"

typedef struct {
    ConnectionListener does;
    gpointer data;
} Listener;

struct LibvirtConnection {
    gatomicrefcount refs;
    gatomicrefcount users;
    char *uri;
    gint64 timeout_us;

    GMutex listening;     /* held while listeners run; taken before lock */
    GPtrArray *listeners; /* of Listener */

    GMutex lock;
    GCond changed;
    virConnectPtr now; /* NULL: lost, and being made anew */
    gboolean is_closed;
};

/* Of libvirt's. On a worker, may block. */
virConnectPtr connection_make (LibvirtConnection *self, GError **error);
void connection_give_up (virConnectPtr connection);
/* Any thread. Only the first who notices does something. */
void connection_lost (LibvirtConnection *self, virConnectPtr connection);
/* A reference to what is now, as soon as there is one. */
virConnectPtr connection_hold_until (LibvirtConnection *self, gint64 deadline_us, GError **error);
