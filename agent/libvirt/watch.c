/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "agent/libvirt/watch.h"

#include <json-c/json.h>
#include <libvirt/libvirt-qemu.h>

#include "agent/libvirt/call.h"
#include "agent/libvirt/connection.h"
#include "agent/libvirt/error.h"
#include "agent/libvirt/loop.h"

#define KINDS 3

typedef struct {
    LibvirtConnection *connection;
    LibvirtWatchFunc func;
    gpointer data;
    GDestroyNotify free_data;
    int ids[KINDS], qemu_id; /* of what is registered with the present connection; -1: not */
} Watcher;

static GMutex lock;
static GHashTable *watchers; /* LibvirtConnection: Watcher */

static void
tell (const Watcher *self, virDomainPtr domain, LibvirtEvent event)
{
    char uuid[VIR_UUID_STRING_BUFLEN] = "";

    if (domain) {
        virDomainGetUUIDString (domain, uuid);
        event.domain = virDomainGetName (domain);
        event.uuid = uuid;
    }
    self->func (&event, self->data);
}

static int
on_lifecycle (virConnectPtr connection, virDomainPtr domain, int state, int detail, void *data)
{
    tell (data, domain,
          (LibvirtEvent){ .kind = LIBVIRT_EVENT_LIFECYCLE, .state = state, .detail = detail });
    return 0;
}

static void
on_pass (virConnectPtr connection, virDomainPtr domain, int pass, void *data)
{
    tell (data, domain, (LibvirtEvent){ .kind = LIBVIRT_EVENT_PASS, .state = pass });
}

static void
on_job (virConnectPtr connection, virDomainPtr domain, virTypedParameterPtr parameters, int count,
        void *data)
{
    int success = -1;

    virTypedParamsGetBoolean (parameters, count, VIR_DOMAIN_JOB_SUCCESS, &success);
    tell (data, domain, (LibvirtEvent){ .kind = LIBVIRT_EVENT_JOB_ENDED, .state = success });
}

static void
on_migration (virConnectPtr connection, virDomainPtr domain, const char *name, long long seconds,
              unsigned int micros, const char *details, void *data)
{
    json_object *object = details ? json_tokener_parse (details) : NULL;
    json_object *status = NULL;

    if (json_object_object_get_ex (object, "status", &status))
        tell (data, domain,
              (LibvirtEvent){ .kind = LIBVIRT_EVENT_MIGRATION,
                              .text = json_object_get_string (status) });
    json_object_put (object);
}

/* -- Each new connection -- */

static void
greet (virConnectPtr connection, gboolean is_new, gpointer data)
{
    static const struct {
        int id;
        virConnectDomainEventGenericCallback func;
    } kinds[KINDS] = {
        { VIR_DOMAIN_EVENT_ID_LIFECYCLE, VIR_DOMAIN_EVENT_CALLBACK (on_lifecycle) },
        { VIR_DOMAIN_EVENT_ID_MIGRATION_ITERATION, VIR_DOMAIN_EVENT_CALLBACK (on_pass) },
        { VIR_DOMAIN_EVENT_ID_JOB_COMPLETED, VIR_DOMAIN_EVENT_CALLBACK (on_job) },
    };
    Watcher *self = data;

    for (guint i = 0; i < KINDS; i++)
        self->ids[i] = virConnectDomainEventRegisterAny (connection, NULL, kinds[i].id,
                                                         kinds[i].func, self, NULL);
    /* Only QEMU's driver has it. */
    self->qemu_id = virConnectDomainQemuMonitorEventRegister (connection, NULL, "MIGRATION",
                                                              on_migration, self, NULL, 0);
    if (is_new)
        tell (self, NULL, (LibvirtEvent){ .kind = LIBVIRT_EVENT_CONNECTED });
}

static void
leave (virConnectPtr connection, gpointer data)
{
    Watcher *self = data;

    for (guint i = 0; i < KINDS; i++)
        if (self->ids[i] >= 0)
            virConnectDomainEventDeregisterAny (connection, self->ids[i]);
    if (self->qemu_id >= 0)
        virConnectDomainQemuMonitorEventDeregister (connection, self->qemu_id);
}

static void
lost (gpointer data)
{
    tell (data, NULL, (LibvirtEvent){ .kind = LIBVIRT_EVENT_LOST });
}

static const ConnectionListener listener = { greet, leave, lost };

/* -- Begin and end -- */

static gpointer
listen_now (gpointer data, GError **error)
{
    connection_listen (((Watcher *)data)->connection, &listener, data);
    return data;
}

/* FALSE: there is one already. */
static gboolean
enlist (Watcher *self)
{
    gboolean is_free;

    g_mutex_lock (&lock);
    if (!watchers)
        watchers = g_hash_table_new (NULL, NULL);
    is_free = !g_hash_table_contains (watchers, self->connection);
    if (is_free)
        g_hash_table_insert (watchers, self->connection, self);
    g_mutex_unlock (&lock);
    return is_free;
}

gboolean
watch_begin (LibvirtConnection *connection, LibvirtWatchFunc func, gpointer data,
             GDestroyNotify free_data, GError **error)
{
    Watcher *self = g_new0 (Watcher, 1);

    *self =
        (Watcher){ .connection = connection, .func = func, .data = data, .free_data = free_data };
    if (!enlist (self)) {
        g_free (self);
        return error_set (error, LIBVIRT_ERROR_REFUSED, "%s is watched already",
                          connection_uri (connection));
    }
    connection_use (connection);
    return call_run ("register for events", listen_now, self, NULL, NULL,
                     connection_timeout_us (connection), error) != NULL;
}

/* A callback may be under way in the loop. */
static gboolean
free_in_loop (gpointer data)
{
    Watcher *self = data;

    if (self->free_data)
        self->free_data (self->data);
    g_free (self);
    return G_SOURCE_REMOVE;
}

static void
end_now (gpointer data, gpointer unused)
{
    Watcher *self = data;

    connection_ignore (self->connection, self);
    connection_close (self->connection);
    loop_post (free_in_loop, self);
}

void
watch_end (LibvirtConnection *connection)
{
    Watcher *self = NULL;

    g_mutex_lock (&lock);
    if (watchers)
        g_hash_table_steal_extended (watchers, connection, NULL, (gpointer *)&self);
    g_mutex_unlock (&lock);
    if (self)
        call_start (end_now, self);
}
