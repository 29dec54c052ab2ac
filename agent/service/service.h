/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* All migrations of this service. Everything on the main thread. */
#pragma once

#include "agent/config-vm.h"
#include "agent/service/dbus.h"
#include "agent/service/order.h"

typedef struct Service Service;

/* CONFIG_FILE NULL: where it is searched for. */
Service *service_new (const char *config_file, GError **error);
void service_free (Service *self);
/* Once it has a bus: what is exported goes there. Picks up what a service before it has left. */
void service_begin (Service *self, GDBusObjectManagerServer *manager);
/* Hands off all migrations; GONE is called when the last thread has ended. */
void service_leave (Service *self, void (*gone) (gpointer data), gpointer data);

const char *service_mode (const Service *self);
gboolean service_reload (Service *self, GError **error);
/* The mode in which ORDER would be carried out, as far as that is known before its VM is. */
Mode service_mode_of (const Service *self, const Order *order);
/* Takes ORDER; INVOCATION (may be NULL) gets the object's path, or the error. TRAITS may be NULL.
 * Both are taken. */
void service_take (Service *self, Order *order, Traits *traits, GDBusMethodInvocation *invocation);
/* Is there one under way at that address? */
gboolean service_has (const Service *self, const char *address);
/* Of a guest with that uuid, by whichever monitor? */
gboolean service_has_guest (const Service *self, const char *uuid);
/* How many, for systemd. */
guint service_count (const Service *self);
