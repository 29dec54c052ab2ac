/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "agent/migration/vm.h"

#include <string.h>

#include "agent/host/monitor.h"
#include "qmp/value.h"

Vm *
vm_connect (GMainContext *context, const QmpAddress *address, End end, const GlobalOptions *global,
            GCancellable *cancel, GError **error)
{
    g_autoptr (Vm) self = g_new0 (Vm, 1);

    self->end = end;
    self->address = qmp_address_parse (address->text, error);
    if (!self->address)
        return NULL;
    self->client = monitor_connect (context, address, end_name (end), global, cancel, error);
    return self->client ? g_steal_pointer (&self) : NULL;
}

Vm *
vm_open (GMainContext *context, const QmpAddress *address, End end, const GlobalOptions *global,
         GCancellable *cancel, GError **error)
{
    g_autoptr (Vm) self = vm_connect (context, address, end, global, cancel, error);

    if (!self || !vm_greet (self, error) || !vm_ask (self, error) || !vm_hear (self, error))
        return NULL;
    return g_steal_pointer (&self);
}

void
vm_close (Vm *self)
{
    if (!self)
        return;
    qmp_client_close (self->client);
    qmp_address_free (self->address);
    schema_unref (self->schema);
    json_object_put (self->capabilities);
    json_object_put (self->parameters);
    json_object_put (self->blocked);
    g_free (self->version);
    g_free (self->name);
    g_free (self->uuid);
    g_free (self->machine);
    g_free (self->run_state);
    g_free (self->status_text);
    g_free (self);
}

const char *
vm_title (const Vm *self)
{
    if (self->name)
        return self->name;
    return self->uuid ? self->uuid : self->address->text;
}

gboolean
vm_reports (const Vm *self, const char *capability)
{
    return json_object_object_get_ex (self->capabilities, capability, NULL);
}

gboolean
vm_has_capability (const Vm *self, const char *capability)
{
    return qmp_peek_bool (self->capabilities, capability, FALSE);
}

gboolean
vm_takes_parameter (const Vm *self, const char *parameter)
{
    return json_object_object_get_ex (self->parameters, parameter, NULL) ||
           (self->schema && schema_has_parameter (self->schema, parameter));
}

/* exit-on-error came with 9.1, and so did this parameter, which is listed always. */
gboolean
vm_can_outlive_failure (const Vm *self)
{
    return json_object_object_get_ex (self->parameters, "direct-io", NULL);
}

static gboolean
is_same_build (const Vm *a, const Vm *b)
{
    return g_str_equal (a->version, b->version) &&
           g_str_equal (qmp_client_version (a->client)->package,
                        qmp_client_version (b->client)->package);
}

gboolean
vm_read_schema (Vm *self, const Vm *other, GError **error)
{
    if (!self->schema && other && other->schema && is_same_build (self, other))
        self->schema = schema_ref (other->schema);
    if (!self->schema)
        self->schema = schema_load (self->client, error);
    return self->schema != NULL;
}

gboolean
vm_is_incoming (const Vm *self)
{
    return g_strcmp0 (self->run_state, "inmigrate") == 0;
}

/* Also times the round trip, whose shortest value bounds what we say of the blackout. */
static json_object *
ask (Vm *self, const char *command, json_object *arguments, gint64 timeout_us, GError **error)
{
    gint64 sent_us = g_get_monotonic_time ();
    json_object *reply = qmp_client_call_full (self->client, command, arguments, QMP_CALL_DEFAULT,
                                               timeout_us, error);
    gint64 took_us = g_get_monotonic_time () - sent_us;

    if (reply && (self->round_trip_us == 0 || took_us < self->round_trip_us))
        self->round_trip_us = took_us;
    return reply;
}

gboolean
vm_status_of (const Vm *self, json_object *reply, MigrationStatus *ret_status, GError **error)
{
    if (!json_object_is_type (reply, json_type_object))
        return qmp_fail (error, QMP_ERROR_PROTOCOL,
                         "%s: query-migrate: the answer is not an object", end_name (self->end));
    *ret_status = status_parse (qmp_peek_string (reply, "status", NULL));
    return TRUE;
}

gboolean
vm_query_status (Vm *self, gint64 timeout_us, MigrationStatus *ret_status, json_object **ret_reply,
                 GError **error)
{
    g_autoptr (json_object) reply = ask (self, "query-migrate", NULL, timeout_us, error);

    if (!reply || !vm_status_of (self, reply, ret_status, error))
        return FALSE;
    if (ret_reply)
        *ret_reply = g_steal_pointer (&reply);
    return TRUE;
}

char *
vm_run_state_of (const Vm *self, json_object *reply, GError **error)
{
    g_autofree char *where = g_strconcat (end_name (self->end), ": query-status", NULL);
    const char *text;

    return qmp_get_string (reply, "status", where, &text, error) ? g_strdup (text) : NULL;
}

char *
vm_query_run_state (Vm *self, gint64 timeout_us, GError **error)
{
    g_autoptr (json_object) reply = ask (self, "query-status", NULL, timeout_us, error);

    return reply ? vm_run_state_of (self, reply, error) : NULL;
}

gboolean
vm_tell (Vm *self, const char *command, json_object *arguments, GError **error)
{
    g_autoptr (json_object) reply = ask (self, command, arguments, 0, error);

    return reply != NULL;
}

static gboolean
listen_on (Vm *self, const char *uri, gboolean outlive, GError **error)
{
    json_object *arguments = qmp_object ("uri", json_object_new_string (uri), NULL);

    if (outlive)
        json_object_object_add (arguments, "exit-on-error", json_object_new_boolean (FALSE));
    return vm_tell (self, "migrate-incoming", arguments, error);
}

gboolean
vm_listen (Vm *self, const char *uri, GError **error)
{
    gboolean outlive = vm_can_outlive_failure (self);
    g_autoptr (GError) why = NULL;

    if (listen_on (self, uri, outlive, &why))
        return TRUE;
    /* A build that has the one and not the other. */
    if (outlive && g_error_matches (why, QMP_ERROR, QMP_ERROR_REFUSED) &&
        strstr (why->message, "exit-on-error"))
        return listen_on (self, uri, FALSE, error);
    g_propagate_error (error, g_steal_pointer (&why));
    return FALSE;
}

gboolean
vm_yank (Vm *self, gint64 timeout_us, GError **error)
{
    g_autoptr (json_object) reply = NULL;
    json_object *instances = json_object_new_array ();

    json_object_array_add (instances,
                           qmp_object ("type", json_object_new_string ("migration"), NULL));
    reply = qmp_client_call_full (self->client, "yank", qmp_object ("instances", instances, NULL),
                                  QMP_CALL_OOB, timeout_us, error);
    return reply != NULL;
}

/* A zombie has no command line any more, so it counts as dead. */
gboolean
vm_process_is_qemu (pid_t pid)
{
    g_autofree char *path = g_strdup_printf ("/proc/%d/cmdline", (int)pid);
    g_autofree char *text = NULL;
    gsize length = 0;

    if (pid <= 0 || !g_file_get_contents (path, &text, &length, NULL))
        return FALSE;
    for (gsize i = 0; i < length; i++) /* arguments end with NUL; the name may be in any of them */
        if (text[i] == '\0')
            text[i] = ' ';
    return strstr (text, "qemu-") != NULL;
}

gboolean
vm_is_proven_dead (const Vm *self)
{
    return self->is_qemu_process && qmp_client_broken (self->client) &&
           !vm_process_is_qemu (qmp_client_peer_pid (self->client));
}
