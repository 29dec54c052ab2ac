/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* The service's place on the bus: its name, the object manager, org.qmpmig.Agent1. */
#pragma once

#include "agent/service/service.h"

typedef struct Bus Bus;

typedef struct {
    void (*ready) (gpointer data);
    void (*lost) (const char *why, gpointer data); /* somebody else has the name, or no bus */
} BusEvents;

/* WHERE: "system", "session", or an address. */
Bus *bus_new (const char *where, Service *service, const BusEvents *events, gpointer data,
              GError **error);
void bus_free (Bus *self);
/* The configuration was read again. */
void bus_refresh (Bus *self);
