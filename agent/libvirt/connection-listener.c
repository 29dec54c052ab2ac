/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "agent/libvirt/connection-internal.h"

void
connection_listen (LibvirtConnection *self, const ConnectionListener *listener, gpointer data)
{
    Listener *added = g_new (Listener, 1);
    virConnectPtr held;

    *added = (Listener){ *listener, data };
    g_mutex_lock (&self->listening);
    g_ptr_array_add (self->listeners, added);
    held = connection_hold_until (self, 0, NULL);
    if (held) {
        listener->greet (held, FALSE, data);
        virConnectClose (held);
    }
    g_mutex_unlock (&self->listening);
}

void
connection_ignore (LibvirtConnection *self, gpointer data)
{
    virConnectPtr held;

    g_mutex_lock (&self->listening);
    held = connection_hold_until (self, 0, NULL);
    for (guint i = self->listeners->len; i > 0; i--) {
        Listener *listener = g_ptr_array_index (self->listeners, i - 1);

        if (listener->data != data)
            continue;
        if (held)
            listener->does.leave (held, data);
        g_ptr_array_remove_index (self->listeners, i - 1);
    }
    if (held)
        virConnectClose (held);
    g_mutex_unlock (&self->listening);
}
