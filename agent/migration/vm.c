/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "agent/migration/vm.h"

#include <string.h>

#include "agent/host/monitor.h"
#include "agent/migration/error.h"
#include "qmp/value.h"

#define NO_UUID "00000000-0000-0000-0000-000000000000"

/* A query; also times the round trip, whose shortest value bounds what we say of the blackout. */
static json_object *
ask (Vm *self, const char *command, json_object *arguments, GError **error)
{
    gint64 sent_us = g_get_monotonic_time ();
    json_object *reply = qmp_client_call (self->client, command, arguments, error);
    gint64 took_us = g_get_monotonic_time () - sent_us;

    if (reply && (self->round_trip_us == 0 || took_us < self->round_trip_us))
        self->round_trip_us = took_us;
    return reply;
}

/* The same for what an older QEMU, or a build without it, may lack: that leaves *ret_reply NULL.
 * Silence is an error here as anywhere: nobody waits once for each query. */
static gboolean
ask_optional (Vm *self, const char *command, json_object *arguments, json_object **ret_reply,
              GError **error)
{
    g_autoptr (GError) why = NULL;

    *ret_reply = ask (self, command, arguments, &why);
    if (*ret_reply || g_error_matches (why, QMP_ERROR, QMP_ERROR_REFUSED))
        return TRUE;
    g_propagate_error (error, g_steal_pointer (&why));
    return FALSE;
}

static gboolean
look_at_guest (Vm *self, GError **error)
{
    g_autoptr (json_object) name = NULL;
    g_autoptr (json_object) uuid = NULL;
    const char *text;

    if (!ask_optional (self, "query-name", NULL, &name, error) ||
        !ask_optional (self, "query-uuid", NULL, &uuid, error))
        return FALSE;
    text = uuid ? qmp_peek_string (uuid, "UUID", NULL) : NULL;
    self->name = name ? g_strdup (qmp_peek_string (name, "name", NULL)) : NULL;
    if (text && !g_str_equal (text, NO_UUID))
        self->uuid = g_strdup (text);
    self->run_state = vm_query_run_state (self, 0, error);
    return self->run_state != NULL;
}

static char *
machine_name (json_object *type)
{
    const char *text;

    if (!json_object_is_type (type, json_type_string))
        return NULL;
    text = json_object_get_string (type);
    return g_strndup (text, strlen (text) - (g_str_has_suffix (text, "-machine") ? 8 : 0));
}

static gboolean
look_at_machine (Vm *self, GError **error)
{
    json_object *where = qmp_object ("path", json_object_new_string ("/machine"), "property",
                                     json_object_new_string ("type"), NULL);
    g_autoptr (json_object) type = NULL;
    g_autoptr (json_object) memory = NULL;
    g_autoptr (json_object) cpus = NULL;
    g_autoptr (json_object) kvm = NULL;

    if (!ask_optional (self, "qom-get", where, &type, error) ||
        !ask_optional (self, "query-memory-size-summary", NULL, &memory, error) ||
        !ask_optional (self, "query-cpus-fast", NULL, &cpus, error) ||
        !ask_optional (self, "query-kvm", NULL, &kvm, error))
        return FALSE;
    self->machine = machine_name (type);
    if (memory)
        self->ram_bytes =
            qmp_peek_uint (memory, "base-memory", 0) + qmp_peek_uint (memory, "plugged-memory", 0);
    if (json_object_is_type (cpus, json_type_array))
        self->vcpus = (guint)json_object_array_length (cpus);
    self->kvm = kvm && qmp_peek_bool (kvm, "enabled", FALSE);
    return TRUE;
}

static gboolean
look_at_capabilities (Vm *self, GError **error)
{
    g_autoptr (json_object) list = ask (self, "query-migrate-capabilities", NULL, error);

    if (!list)
        return FALSE;
    if (!json_object_is_type (list, json_type_array))
        return qmp_fail (error, QMP_ERROR_PROTOCOL,
                         "%s: query-migrate-capabilities: the answer is not a list",
                         end_name (self->end));
    self->capabilities = json_object_new_object ();
    for (gsize i = 0; i < json_object_array_length (list); i++) {
        json_object *entry = json_object_array_get_idx (list, i);
        const char *name = qmp_peek_string (entry, "capability", NULL);

        if (name)
            json_object_object_add (
                self->capabilities, name,
                json_object_new_boolean (qmp_peek_bool (entry, "state", FALSE)));
    }
    return TRUE;
}

static guint
count_bitmaps (json_object *nodes)
{
    guint count = 0;

    for (gsize i = 0; i < json_object_array_length (nodes); i++) {
        json_object *bitmaps = qmp_peek (json_object_array_get_idx (nodes, i), "dirty-bitmaps");

        if (json_object_is_type (bitmaps, json_type_array))
            count += (guint)json_object_array_length (bitmaps);
    }
    return count;
}

static gboolean
look_at_bitmaps (Vm *self, GError **error)
{
    g_autoptr (json_object) nodes = NULL;

    if (self->end != END_SOURCE || !vm_reports (self, "dirty-bitmaps"))
        return TRUE;
    if (!ask_optional (self, "query-named-block-nodes",
                       qmp_object ("flat", json_object_new_boolean (TRUE), NULL), &nodes, error))
        return FALSE;
    if (json_object_is_type (nodes, json_type_array))
        self->dirty_bitmaps = count_bitmaps (nodes);
    return TRUE;
}

static gboolean
look_at_parameters (Vm *self, GError **error)
{
    self->parameters = ask (self, "query-migrate-parameters", NULL, error);
    if (!self->parameters)
        return FALSE;
    return json_object_is_type (self->parameters, json_type_object) ||
           qmp_fail (error, QMP_ERROR_PROTOCOL,
                     "%s: query-migrate-parameters: the answer is not an object",
                     end_name (self->end));
}

static gboolean
look_at_migration (Vm *self, GError **error)
{
    g_autoptr (json_object) reply = NULL;

    if (!vm_query_status (self, 0, &self->status, &reply, error) ||
        !look_at_capabilities (self, error) || !look_at_parameters (self, error))
        return FALSE;
    self->status_text = g_strdup (qmp_peek_string (reply, "status", "none"));
    self->blocked = json_object_get (qmp_peek (reply, "blocked-reasons"));
    self->schema = schema_load (self->client, error);
    return self->schema != NULL;
}

Vm *
vm_open (GMainContext *context, const QmpAddress *address, End end, const GlobalOptions *global,
         GCancellable *cancel, GError **error)
{
    g_autoptr (Vm) self = g_new0 (Vm, 1);
    const QmpVersion *version;

    self->end = end;
    self->address = qmp_address_parse (address->text, error);
    if (!self->address)
        return NULL;
    self->client = monitor_open (context, address, end_name (end), global, cancel, error);
    if (!self->client)
        return NULL;
    self->is_qemu_process = vm_process_is_qemu (qmp_client_peer_pid (self->client));
    version = qmp_client_version (self->client);
    self->version = g_strdup_printf ("%u.%u.%u", version->major, version->minor, version->micro);
    if (!look_at_guest (self, error) || !look_at_migration (self, error) ||
        !look_at_machine (self, error) || !look_at_bitmaps (self, error))
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
    schema_free (self->schema);
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
    return json_object_object_get_ex (self->schema->parameters, parameter, NULL);
}

gboolean
vm_is_incoming (const Vm *self)
{
    return g_strcmp0 (self->run_state, "inmigrate") == 0;
}

gboolean
vm_query_status (Vm *self, gint64 timeout_us, MigrationStatus *ret_status, json_object **ret_reply,
                 GError **error)
{
    g_autoptr (json_object) reply = qmp_client_call_full (self->client, "query-migrate", NULL,
                                                          QMP_CALL_DEFAULT, timeout_us, error);

    if (!reply)
        return FALSE;
    if (!json_object_is_type (reply, json_type_object))
        return qmp_fail (error, QMP_ERROR_PROTOCOL,
                         "%s: query-migrate: the answer is not an object", end_name (self->end));
    *ret_status = status_parse (qmp_peek_string (reply, "status", NULL));
    if (ret_reply)
        *ret_reply = g_steal_pointer (&reply);
    return TRUE;
}

char *
vm_query_run_state (Vm *self, gint64 timeout_us, GError **error)
{
    g_autoptr (json_object) reply = qmp_client_call_full (self->client, "query-status", NULL,
                                                          QMP_CALL_DEFAULT, timeout_us, error);
    g_autofree char *where = g_strconcat (end_name (self->end), ": query-status", NULL);
    const char *text;

    if (!reply || !qmp_get_string (reply, "status", where, &text, error))
        return NULL;
    return g_strdup (text);
}

gboolean
vm_tell (Vm *self, const char *command, json_object *arguments, GError **error)
{
    g_autoptr (json_object) reply = qmp_client_call (self->client, command, arguments, error);

    return reply != NULL;
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
