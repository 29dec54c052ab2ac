/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "agent/libvirt/monitor.h"

#include <errno.h>
#include <fcntl.h>
#include <gio/gunixinputstream.h>
#include <gio/gunixoutputstream.h>
#include <libvirt/libvirt-qemu.h>
#include <sys/socket.h>
#include <unistd.h>

#include "agent/libvirt/call.h"
#include "agent/libvirt/connection.h"
#include "agent/libvirt/domain.h"
#include "agent/libvirt/error.h"
#include "agent/libvirt/loop.h"
#include "agent/libvirt/monitor-internal.h"
#include "agent/libvirt/passthrough.h"

/* -- Events -- */

static json_object *
timestamp (long long seconds, unsigned int micros)
{
    json_object *object = json_object_new_object ();

    json_object_object_add (object, "seconds", json_object_new_int64 (seconds));
    json_object_object_add (object, "microseconds", json_object_new_int64 (micros));
    return object;
}

static void
on_event (virConnectPtr connection, virDomainPtr domain, const char *name, long long seconds,
          unsigned int micros, const char *details, void *data)
{
    Monitor *self = data;
    json_object *event;
    json_object *object = details ? json_tokener_parse (details) : NULL;

    if (self->fd < 0) {
        json_object_put (object);
        return;
    }
    event = json_object_new_object ();
    json_object_object_add (event, "timestamp", timestamp (seconds, micros));
    json_object_object_add (event, "event", json_object_new_string (name));
    if (object)
        json_object_object_add (event, "data", object);
    monitor_say (self, event);
}

static void
greet (virConnectPtr connection, gboolean is_new, gpointer data)
{
    Monitor *self = data;
    virDomainPtr domain = virDomainLookupByUUIDString (connection, self->uuid);

    self->event_id = -1;
    if (!domain)
        return;
    self->event_id = virConnectDomainQemuMonitorEventRegister (connection, domain, NULL, on_event,
                                                               self, NULL, 0);
    virDomainFree (domain);
}

static void
leave (virConnectPtr connection, gpointer data)
{
    Monitor *self = data;

    if (self->event_id >= 0)
        virConnectDomainQemuMonitorEventDeregister (connection, self->event_id);
    self->event_id = -1;
}

static void
lost (gpointer data)
{
}

static const ConnectionListener listener = { greet, leave, lost };

/* -- Opening -- */

static json_object *
make_greeting (json_object *answer)
{
    json_object *version = NULL;
    json_object *greeting = json_object_new_object ();
    json_object *body = json_object_new_object ();

    json_object_object_get_ex (answer, "return", &version);
    json_object_object_add (body, "version", json_object_get (version));
    json_object_object_add (body, "capabilities", json_object_new_array ());
    json_object_object_add (greeting, "QMP", body);
    return greeting;
}

static json_object *
query_version (LibvirtConnection *connection, const char *uuid, GError **error)
{
    json_object *command = json_object_new_object ();
    json_object *answer;

    json_object_object_add (command, "execute", json_object_new_string ("query-version"));
    answer = passthrough_run (connection, uuid, command, error);
    json_object_put (command);
    return answer;
}

static gpointer
listen_now (gpointer data, GError **error)
{
    Monitor *self = data;

    connection_listen (self->connection, &listener, self);
    return self;
}

static Monitor *
monitor_new (LibvirtConnection *connection, const char *uuid, int fd)
{
    Monitor *self = g_new0 (Monitor, 1);

    g_atomic_ref_count_init (&self->refs);
    self->connection = connection_use (connection);
    self->uuid = g_strdup (uuid);
    self->event_id = -1;
    self->fd = fd;
    self->input = g_string_new (NULL);
    self->output = g_string_new (NULL);
    return self;
}

/* No socket: its peer would be taken for QEMU's process, and it is us. */
static GIOStream *
stream_of (int fd)
{
    g_autoptr (GInputStream) in = g_unix_input_stream_new (fd, TRUE);
    g_autoptr (GOutputStream) out = g_unix_output_stream_new (fcntl (fd, F_DUPFD_CLOEXEC, 0), TRUE);

    return g_simple_io_stream_new (in, out);
}

static GIOStream *
start (LibvirtConnection *connection, const char *uuid, json_object *version, GError **error)
{
    Monitor *self;
    int ends[2];

    if (socketpair (AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0, ends) != 0) {
        error_set (error, LIBVIRT_ERROR_UNREACHABLE, "no socket pair: %s", g_strerror (errno));
        return NULL;
    }
    self = monitor_new (connection, uuid, ends[1]);
    g_string_append (self->output, json_object_to_json_string (version));
    g_string_append (self->output, "\r\n");
    if (!call_run ("register for events", listen_now, self, NULL, NULL,
                   connection_timeout_us (connection), error)) {
        close (ends[0]);
        close (ends[1]); /* the rest stays with the worker that does not come back */
        return NULL;
    }
    loop_post (monitor_begin, self);
    return stream_of (ends[0]);
}

GIOStream *
monitor_stream_open (LibvirtConnection *connection, const char *domain, GError **error)
{
    LibvirtDomain *found = domain_find (connection, domain, error);
    json_object *answer = NULL;
    json_object *greeting;
    GIOStream *stream = NULL;

    if (found && !found->is_active)
        error_set (error, LIBVIRT_ERROR_NO_DOMAIN, "domain %s does not run", found->name);
    else if (found)
        answer = query_version (connection, found->uuid, error);
    if (answer) {
        greeting = make_greeting (answer);
        stream = start (connection, found->uuid, greeting, error);
        json_object_put (greeting);
        json_object_put (answer);
    }
    domain_free (found);
    return stream;
}
