/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* A connection is made; one that is lost is made anew. */
#include "agent/libvirt/call.h"
#include "agent/libvirt/connection-internal.h"
#include "agent/libvirt/login.h"

/* A libvirtd that is silent for so long is given up. */
#define KEEP_ALIVE_S     5
#define KEEP_ALIVE_COUNT 3

static void on_close (virConnectPtr connection, int reason, void *data);

static void
unref_connection (void *data)
{
    connection_unref (data);
}

virConnectPtr
connection_make (LibvirtConnection *self, GError **error)
{
    virConnectPtr connection = login_open (self->uri, error);

    if (!connection)
        return NULL;
    virConnectSetKeepAlive (connection, KEEP_ALIVE_S, KEEP_ALIVE_COUNT);
    /* The test driver is no connection: it takes the callback, and never gives it back. */
    if (g_strcmp0 (virConnectGetType (connection), "TEST") == 0)
        return connection;
    connection_ref (self);
    if (virConnectRegisterCloseCallback (connection, on_close, self, unref_connection) < 0)
        connection_unref (self);
    return connection;
}

void
connection_give_up (virConnectPtr connection)
{
    virConnectUnregisterCloseCallback (connection, on_close);
    virConnectClose (connection);
}

/* -- Lost, and made anew -- */

/* FALSE if nobody wants it any more. Who begins to listen meanwhile waits, and finds it. */
static gboolean
install (LibvirtConnection *self, virConnectPtr connection)
{
    gboolean wanted;

    g_mutex_lock (&self->listening);
    for (guint i = 0; i < self->listeners->len; i++) {
        Listener *listener = g_ptr_array_index (self->listeners, i);

        listener->does.greet (connection, TRUE, listener->data);
    }
    g_mutex_lock (&self->lock);
    wanted = !self->is_closed;
    if (wanted)
        self->now = connection;
    g_cond_broadcast (&self->changed);
    g_mutex_unlock (&self->lock);
    g_mutex_unlock (&self->listening);
    return wanted;
}

static void
leave_all (LibvirtConnection *self, virConnectPtr connection)
{
    g_mutex_lock (&self->listening);
    for (guint i = 0; i < self->listeners->len; i++) {
        Listener *listener = g_ptr_array_index (self->listeners, i);

        listener->does.lost (listener->data);
        listener->does.leave (connection, listener->data);
    }
    g_mutex_unlock (&self->listening);
}

static gboolean
is_wanted (LibvirtConnection *self)
{
    gboolean wanted;

    g_mutex_lock (&self->lock);
    wanted = !self->is_closed;
    g_mutex_unlock (&self->lock);
    return wanted;
}

typedef struct {
    LibvirtConnection *self;
    virConnectPtr old;
} Loss;

static void
make_anew (gpointer data, gpointer unused)
{
    Loss loss = *(Loss *)data;
    gint64 pause_us = CONNECTION_MIN_PAUSE_US;

    g_free (data);
    leave_all (loss.self, loss.old);
    connection_give_up (loss.old);
    while (is_wanted (loss.self)) {
        virConnectPtr connection = connection_make (loss.self, NULL);

        if (connection) {
            if (!install (loss.self, connection))
                connection_give_up (connection);
            break;
        }
        g_usleep ((gulong)pause_us);
        pause_us = MIN (pause_us * 2, CONNECTION_MAX_PAUSE_US);
    }
    connection_unref (loss.self);
}

/* Any thread. Only the first who notices does something. */
void
connection_lost (LibvirtConnection *self, virConnectPtr connection)
{
    gboolean is_news;

    g_mutex_lock (&self->lock);
    is_news = self->now == connection;
    if (is_news)
        self->now = NULL;
    g_mutex_unlock (&self->lock);
    if (is_news) {
        Loss *loss = g_new (Loss, 1);

        *loss = (Loss){ connection_ref (self), connection };
        call_start (make_anew, loss);
    }
}

static void
on_close (virConnectPtr connection, int reason, void *data)
{
    connection_lost (data, connection);
}
