/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "agent/service/bus.h"

#include "agent/service/authority.h"
#include "agent/service/reply.h"

struct Bus {
    Service *service;
    GDBusConnection *connection;
    GDBusObjectManagerServer *manager;
    QmpmigAgent1 *interface;
    guint name;
    const BusEvents *events;
    gpointer data;
};

/* What is to be done once polkit has agreed. */
typedef struct {
    Bus *bus;
    GDBusMethodInvocation *invocation;
    Order *order; /* NULL: reload */
} Call;

/* -- Methods -- */

static void
reload (Call *call)
{
    g_autoptr (GError) error = NULL;

    if (!service_reload (call->bus->service, &error)) {
        reply_code (call->invocation, EXIT_USAGE, error->message);
        return;
    }
    bus_refresh (call->bus);
    g_dbus_method_invocation_return_value (call->invocation, NULL);
}

static void
on_checked (gboolean allowed, const char *why_not, gpointer data)
{
    Call *call = data;

    if (!allowed)
        reply_code (call->invocation, EXIT_REFUSED, why_not);
    else if (call->order)
        service_take (call->bus->service, g_steal_pointer (&call->order), NULL, call->invocation);
    else
        reload (call);
    order_free (call->order);
    g_free (call);
}

static gboolean
check (Bus *self, GDBusMethodInvocation *invocation, Order *order, const char *action)
{
    Call *call = g_new (Call, 1);

    *call = (Call){ .bus = self, .invocation = invocation, .order = order };
    authority_check (invocation, action, on_checked, call);
    return TRUE;
}

static gboolean
on_start (QmpmigAgent1 *interface, GDBusMethodInvocation *invocation, const char *address,
          const char *uri, GVariant *options, gpointer data)
{
    g_autoptr (GError) error = NULL;
    Order *order = order_new (ORDER_START, address, uri, options, &error);

    if (order)
        return check (data, invocation, order, "org.qmpmig.start");
    reply_error (invocation, error);
    return TRUE;
}

static gboolean
on_steer (QmpmigAgent1 *interface, GDBusMethodInvocation *invocation, const char *address,
          GVariant *options, gpointer data)
{
    g_autoptr (GError) error = NULL;
    Order *order = order_new (ORDER_STEER, address, NULL, options, &error);

    if (order)
        return check (data, invocation, order,
                      order->mode == MODE_OBSERVE ? "org.qmpmig.observe" : "org.qmpmig.steer");
    reply_error (invocation, error);
    return TRUE;
}

static gboolean
on_reload (QmpmigAgent1 *interface, GDBusMethodInvocation *invocation, gpointer data)
{
    return check (data, invocation, NULL, "org.qmpmig.steer");
}

/* -- The name -- */

static void
on_acquired (GDBusConnection *connection, const char *name, gpointer data)
{
    Bus *self = data;

    self->events->ready (self->data);
}

static void
on_lost (GDBusConnection *connection, const char *name, gpointer data)
{
    Bus *self = data;

    self->events->lost (connection ? "another process has the name " DBUS_NAME
                                   : "the connection to the bus is lost",
                        self->data);
}

static GDBusConnection *
connect_to (const char *where, GError **error)
{
    if (g_str_equal (where, "system") || g_str_equal (where, "session"))
        return g_bus_get_sync (
            g_str_equal (where, "system") ? G_BUS_TYPE_SYSTEM : G_BUS_TYPE_SESSION, NULL, error);
    return g_dbus_connection_new_for_address_sync (
        where,
        G_DBUS_CONNECTION_FLAGS_AUTHENTICATION_CLIENT |
            G_DBUS_CONNECTION_FLAGS_MESSAGE_BUS_CONNECTION,
        NULL, NULL, error);
}

static gboolean export(Bus *self, GError **error)
{
    self->manager = g_dbus_object_manager_server_new (DBUS_PATH);
    self->interface = qmpmig_agent1_skeleton_new ();
    qmpmig_agent1_set_version (self->interface, QMPMIG_VERSION);
    bus_refresh (self);
    g_signal_connect (self->interface, "handle-start", G_CALLBACK (on_start), self);
    g_signal_connect (self->interface, "handle-steer", G_CALLBACK (on_steer), self);
    g_signal_connect (self->interface, "handle-reload", G_CALLBACK (on_reload), self);
    if (!g_dbus_interface_skeleton_export (G_DBUS_INTERFACE_SKELETON (self->interface),
                                           self->connection, DBUS_PATH, error))
        return FALSE;
    g_dbus_object_manager_server_set_connection (self->manager, self->connection);
    return TRUE;
}

Bus *
bus_new (const char *where, Service *service, const BusEvents *events, gpointer data,
         GError **error)
{
    Bus *self = g_new0 (Bus, 1);

    self->service = service;
    self->events = events;
    self->data = data;
    self->connection = connect_to (where, error);
    if (!self->connection || !export(self, error)) {
        bus_free (self);
        return NULL;
    }
    g_dbus_connection_set_exit_on_close (self->connection, FALSE);
    service_begin (service, self->manager);
    self->name = g_bus_own_name_on_connection (
        self->connection, DBUS_NAME, G_BUS_NAME_OWNER_FLAGS_NONE, on_acquired, on_lost, self, NULL);
    return self;
}

void
bus_free (Bus *self)
{
    if (!self)
        return;
    if (self->name)
        g_bus_unown_name (self->name);
    if (self->connection)
        g_dbus_connection_flush_sync (self->connection, NULL, NULL);
    g_clear_object (&self->interface);
    g_clear_object (&self->manager);
    g_clear_object (&self->connection);
    g_free (self);
}

void
bus_refresh (Bus *self)
{
    qmpmig_agent1_set_mode (self->interface, service_mode (self->service));
}
