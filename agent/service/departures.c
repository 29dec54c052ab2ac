/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "agent/service/departures.h"

#include <string.h>

#include "agent/libvirt/session.h"
#include "agent/service/guest.h"
#include "agent/service/watcher.h"

struct Departures {
    Service *service;
    const Config *config; /* the service's, as of the last departures_watch() */
    Watcher *watcher;
    char *watched; /* what of the configuration it goes by */
};

/* `qmpmig --libvirt DOMAIN migrate`, say. */
static gboolean
is_of_another (const Departures *self, const char *domain)
{
    g_autoptr (QmpAddress) address = guest_address (self->config, domain, NULL);

    if (!address || !guest_is_taken (address))
        return FALSE;
    g_message ("%s: another qmpmig is at it; it is left alone", address->text);
    return TRUE;
}

static void
on_departure (const char *domain, const char *uuid, gpointer data)
{
    Departures *self = data;
    const char *name = strchr (domain, '@') ? uuid : domain;
    g_autofree char *address = g_strconcat ("libvirt:", name, NULL);

    if (!service_has_guest (self->service, uuid) && !is_of_another (self, name))
        service_take (self->service, order_new (ORDER_STEER, address, NULL, NULL, NULL), NULL,
                      NULL);
}

void
departures_watch (Departures *self, const Config *config)
{
    const char *uri = config_agent_value (config, "libvirt-uri");
    const char *auth_file = config_agent_value (config, "auth-file");
    g_autofree char *wanted = g_strdup_printf ("%s %s", uri ? uri : "", auth_file ? auth_file : "");

    self->config = config;
    if (g_strcmp0 (self->watched, wanted) == 0)
        return;
    g_free (self->watched);
    self->watched = g_steal_pointer (&wanted);
    watcher_free (self->watcher);
    libvirt_set_auth_file (g_strcmp0 (auth_file, "none") == 0 ? NULL : auth_file);
    self->watcher = watcher_new (uri, on_departure, self);
}

Departures *
departures_new (Service *service)
{
    Departures *self = g_new0 (Departures, 1);

    self->service = service;
    return self;
}

void
departures_free (Departures *self)
{
    if (!self)
        return;
    watcher_free (self->watcher);
    g_free (self->watched);
    g_free (self);
}
