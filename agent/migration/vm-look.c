/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* What a QEMU is asked first. Half of the time of a start would be waiting for one answer after the
 * other, so several questions are under way at a time. */
#include <string.h>

#include "agent/host/monitor.h"
#include "agent/migration/error.h"
#include "agent/migration/vm.h"
#include "qmp/value.h"

#define NO_UUID "00000000-0000-0000-0000-000000000000"
/* As many as the client lets be outstanding. */
#define UNDER_WAY 6

/* What QEMU answered; takes nothing. NULL: an older QEMU, or a build without it, refused. */
typedef gboolean (*Take) (Vm *self, json_object *reply, GError **error);

static gboolean
take_name (Vm *self, json_object *reply, GError **error)
{
    self->name = reply ? g_strdup (qmp_peek_string (reply, "name", NULL)) : NULL;
    return TRUE;
}

static gboolean
take_uuid (Vm *self, json_object *reply, GError **error)
{
    const char *text = reply ? qmp_peek_string (reply, "UUID", NULL) : NULL;

    if (text && !g_str_equal (text, NO_UUID))
        self->uuid = g_strdup (text);
    return TRUE;
}

static gboolean
take_run_state (Vm *self, json_object *reply, GError **error)
{
    self->run_state = vm_run_state_of (self, reply, error);
    return self->run_state != NULL;
}

static gboolean
take_status (Vm *self, json_object *reply, GError **error)
{
    if (!vm_status_of (self, reply, &self->status, error))
        return FALSE;
    self->status_text = g_strdup (qmp_peek_string (reply, "status", "none"));
    self->blocked = json_object_get (qmp_peek (reply, "blocked-reasons"));
    return TRUE;
}

static gboolean
take_capabilities (Vm *self, json_object *reply, GError **error)
{
    if (!json_object_is_type (reply, json_type_array))
        return qmp_fail (error, QMP_ERROR_PROTOCOL,
                         "%s: query-migrate-capabilities: the answer is not a list",
                         end_name (self->end));
    self->capabilities = json_object_new_object ();
    for (gsize i = 0; i < json_object_array_length (reply); i++) {
        json_object *entry = json_object_array_get_idx (reply, i);
        const char *name = qmp_peek_string (entry, "capability", NULL);

        if (name)
            json_object_object_add (
                self->capabilities, name,
                json_object_new_boolean (qmp_peek_bool (entry, "state", FALSE)));
    }
    return TRUE;
}

static gboolean
take_parameters (Vm *self, json_object *reply, GError **error)
{
    self->parameters = json_object_get (reply);
    return json_object_is_type (reply, json_type_object) ||
           qmp_fail (error, QMP_ERROR_PROTOCOL,
                     "%s: query-migrate-parameters: the answer is not an object",
                     end_name (self->end));
}

static gboolean
take_machine (Vm *self, json_object *reply, GError **error)
{
    const char *text;

    if (!json_object_is_type (reply, json_type_string))
        return TRUE;
    text = json_object_get_string (reply);
    self->machine = g_strndup (text, strlen (text) - (g_str_has_suffix (text, "-machine") ? 8 : 0));
    return TRUE;
}

static gboolean
take_memory (Vm *self, json_object *reply, GError **error)
{
    if (reply)
        self->ram_bytes =
            qmp_peek_uint (reply, "base-memory", 0) + qmp_peek_uint (reply, "plugged-memory", 0);
    return TRUE;
}

static gboolean
take_cpus (Vm *self, json_object *reply, GError **error)
{
    if (json_object_is_type (reply, json_type_array))
        self->vcpus = (guint)json_object_array_length (reply);
    return TRUE;
}

static gboolean
take_kvm (Vm *self, json_object *reply, GError **error)
{
    self->kvm = reply && qmp_peek_bool (reply, "enabled", FALSE);
    return TRUE;
}

/* Who has it has `yank`. */
static gboolean
take_yank (Vm *self, json_object *reply, GError **error)
{
    self->has_yank = reply != NULL;
    return TRUE;
}

static gboolean
take_bitmaps (Vm *self, json_object *reply, GError **error)
{
    gsize count = qmp_length (reply);

    for (gsize i = 0; i < count; i++) {
        json_object *bitmaps = qmp_peek (json_object_array_get_idx (reply, i), "dirty-bitmaps");

        if (json_object_is_type (bitmaps, json_type_array))
            self->dirty_bitmaps += (guint)json_object_array_length (bitmaps);
    }
    return TRUE;
}

static json_object *
machine_type (void)
{
    return qmp_object ("path", json_object_new_string ("/machine"), "property",
                       json_object_new_string ("type"), NULL);
}

static json_object *
flat (void)
{
    return qmp_object ("flat", json_object_new_boolean (TRUE), NULL);
}

static const struct {
    const char *command;
    Take take;
    json_object *(*arguments) (void);
    gboolean is_needed; /* to refuse it is an error */
    gboolean of_source; /* only */
} questions[] = {
    { "query-name", .take = take_name },
    { "query-uuid", .take = take_uuid },
    { "query-status", take_run_state, .is_needed = TRUE },
    { "query-migrate", take_status, .is_needed = TRUE },
    { "query-migrate-capabilities", take_capabilities, .is_needed = TRUE },
    { "query-migrate-parameters", take_parameters, .is_needed = TRUE },
    { "qom-get", take_machine, .arguments = machine_type },
    { "query-memory-size-summary", .take = take_memory },
    { "query-cpus-fast", .take = take_cpus },
    { "query-kvm", .take = take_kvm },
    { "query-yank", .take = take_yank },
    { "query-named-block-nodes", take_bitmaps, .arguments = flat, .of_source = TRUE },
};
G_STATIC_ASSERT (G_N_ELEMENTS (questions) <= VM_MAX_QUESTIONS);

/* The next one is on its way, if there is one for this end. */
static gboolean
ask_next (Vm *self, GError **error)
{
    guint next = self->asked;

    if (next == G_N_ELEMENTS (questions) || (questions[next].of_source && self->end != END_SOURCE))
        return TRUE;
    self->questions[next] = qmp_client_send (
        self->client, questions[next].command,
        questions[next].arguments ? questions[next].arguments () : NULL, QMP_CALL_DEFAULT, error);
    if (self->questions[next])
        self->asked++;
    return self->questions[next] != 0;
}

static void
note_version (Vm *self)
{
    const QmpVersion *version = qmp_client_version (self->client);

    self->version = g_strdup_printf ("%u.%u.%u", version->major, version->minor, version->micro);
    self->is_qemu_process = vm_process_is_qemu (qmp_client_peer_pid (self->client));
}

gboolean
vm_greet (Vm *self, GError **error)
{
    if (!monitor_greet (self->client, self->address, error))
        return FALSE;
    note_version (self);
    return TRUE;
}

gboolean
vm_ask (Vm *self, GError **error)
{
    if (!qmp_client_negotiate (self->client, error))
        return FALSE;
    for (guint i = 0; i < UNDER_WAY; i++)
        if (!ask_next (self, error))
            return FALSE;
    return TRUE;
}

/* Silence is an error even where a refusal is none: nobody waits once for each question. */
static gboolean
hear (Vm *self, guint number, GError **error)
{
    g_autoptr (GError) why = NULL;
    g_autoptr (json_object) reply =
        qmp_client_finish (self->client, self->questions[number], 0, &why);

    if (reply ||
        (!questions[number].is_needed && g_error_matches (why, QMP_ERROR, QMP_ERROR_REFUSED)))
        return questions[number].take (self, reply, error) && ask_next (self, error);
    g_propagate_error (error, g_steal_pointer (&why));
    return FALSE;
}

gboolean
vm_has_more (const Vm *self)
{
    return self->heard < self->asked;
}

gboolean
vm_hear_one (Vm *self, GError **error)
{
    return !vm_has_more (self) || hear (self, self->heard++, error);
}

gboolean
vm_hear (Vm *self, GError **error)
{
    while (vm_has_more (self))
        if (!vm_hear_one (self, error))
            return FALSE;
    return TRUE;
}
