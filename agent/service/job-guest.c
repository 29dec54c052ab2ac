/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Whose guest it is, what is configured for it, and how it is called. */
#include <string.h>

#include "agent/libvirt/session.h"
#include "agent/service/guest.h"
#include "agent/service/job-internal.h"
#include "agent/state.h"
#include "qmp/value.h"

static gboolean
tell_named (gpointer data)
{
    Job *self = data;

    if (!self->is_named)
        self->events->named (self, self->data);
    self->is_named = TRUE;
    return G_SOURCE_REMOVE;
}

static void
choose_abort (Job *self)
{
    const char *text = self->order->abort;

    if (!text)
        text = config_vm_value (self->config, self->traits, "abort");
    if (!text)
        text = self->traits ? self->traits->manager : NULL;
    if (text)
        abort_clock_parse (text, &self->migration.around.abort, NULL); /* checked when read */
}

static void
choose_mode (Job *self)
{
    const char *text = config_vm_value (self->config, self->traits, "mode");
    Mode mode = self->order->mode;

    if (mode == MODE_CONFIGURED && (!text || !mode_parse (text, &mode, NULL)))
        mode = self->mode;
    self->observes = self->order->kind == ORDER_STEER && mode != MODE_STEER;
    self->migration.helm.observes = self->observes;
}

/* A guest on a socket may be libvirt's as well; that is worth a look, but no waiting. */
static QmpAddress *
libvirt_address (Job *self, const char *uuid)
{
    QmpAddress *address;

    if (qmp_address_is_libvirt (self->global.socket))
        return guest_address (self->config, self->order->address + strlen ("libvirt:"), NULL);
    address = uuid ? guest_address (self->config, uuid, NULL) : NULL;
    if (address && !libvirt_is_connected (address))
        g_clear_pointer (&address, qmp_address_free);
    return address;
}

static void
learn_traits (Job *self, const char *name, const char *uuid)
{
    g_autoptr (QmpAddress) address = libvirt_address (self, uuid);
    g_autoptr (GError) error = NULL;

    if (!self->traits && address)
        self->traits = guest_traits (address, &error);
    if (error && qmp_address_is_libvirt (self->global.socket))
        g_warning ("%s: its metadata is not known: %s", self->order->address, error->message);
    if (!self->traits)
        self->traits = g_new0 (Traits, 1);
    traits_set (self->traits, name, uuid);
}

/* A socket, and libvirt's passthrough, lead to the same guest. */
static gboolean
take_claim (Job *self, const char *uuid, pid_t pid, GError **error)
{
    if (!self->claim)
        self->claim = claim_take (uuid, pid, self->order->address, error);
    return self->claim != NULL;
}

/* The pid behind a socket may be a proxy's. */
static pid_t
qemu_pid (const Vm *vm)
{
    return vm->is_qemu_process ? qmp_client_peer_pid (vm->client) : 0;
}

gboolean
job_meet_guest (Migration *m, const char *name, const char *uuid, GError **error)
{
    Job *self = m->configure_data;

    if (!take_claim (self, uuid, qemu_pid (m->source), error))
        return FALSE;
    learn_traits (self, name, uuid);
    choose_abort (self);
    choose_mode (self);
    if (!config_apply_traits (self->config, self->options, self->traits, error))
        return FALSE;
    if (!m->id)
        m->id = state_migration_id (name, uuid, (int)qmp_client_peer_pid (m->source->client));
    self->id = g_strdup (m->id);
    self->vm_name = g_strdup (name ? name : "");
    self->vm_uuid = g_strdup (uuid ? uuid : "");
    /* Not g_main_context_invoke(): before the loop runs, that would call it here. */
    g_idle_add_full (G_PRIORITY_HIGH, tell_named, self, NULL);
    return TRUE;
}

/* What is recovered is known by its journal; `configure` is not called for it. Else the header may
 * be here before the word that the VM is known. */
void
job_take_names (Job *self, json_object *header)
{
    g_autoptr (GError) error = NULL;

    if (self->id) {
        tell_named (self);
        return;
    }
    if (!take_claim (self, qmp_peek_string (header, "vm.uuid", NULL), 0, &error))
        g_warning ("it is brought to an end all the same: %s", error->message);
    self->id = g_strdup (qmp_peek_string (header, "id", ""));
    self->vm_name = g_strdup (qmp_peek_string (header, "vm.name", ""));
    self->vm_uuid = g_strdup (qmp_peek_string (header, "vm.uuid", ""));
    tell_named (self);
}
