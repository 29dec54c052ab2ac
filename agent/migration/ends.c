/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Both ends at once: connected, asked, heard. */
#include "agent/migration/migration.h"
#include "agent/state.h"

/* Takes DESTINATION, whose questions are under way, or WHY_NOT; both NULL: there is none. */
static gboolean
hear_destination (Migration *m, Vm *destination, GError *why_not, GError **error)
{
    g_autoptr (Vm) vm = destination;

    if (why_not) {
        g_propagate_error (error, why_not);
        return FALSE;
    }
    if (vm && !vm_hear (vm, error))
        return FALSE;
    m->destination = g_steal_pointer (&vm);
    return TRUE;
}

/* A step that the destination fails is its last; the source goes on. */
static void
step (Vm **destination, gboolean (*take) (Vm *self, GError **error), GError **why_not)
{
    if (*destination && !take (*destination, why_not))
        g_clear_pointer (destination, vm_close);
}

/* TRUE with all that the source says heard, and with most of what the destination does. */
static gboolean
ask_both (Vm *source, Vm **destination, GError **why_not, GError **error)
{
    if (!vm_greet (source, error))
        return FALSE;
    step (destination, vm_greet, why_not);
    if (!vm_ask (source, error))
        return FALSE;
    step (destination, vm_ask, why_not);
    while (vm_has_more (source)) {
        if (!vm_hear_one (source, error))
            return FALSE;
        step (destination, vm_hear_one, why_not);
    }
    return TRUE;
}

/* Each step is taken at both before the next one, so that their round trips are one; what is wrong
 * with the source is told first. */
static gboolean
open_ends (Migration *m, GError **error)
{
    const QmpAddress *there = m->options->dest_socket;
    g_autoptr (Vm) source =
        vm_connect (m->context, m->global->socket, END_SOURCE, m->global, m->leave, error);
    g_autoptr (Vm) destination = NULL;
    g_autoptr (GError) why_not = NULL;

    if (!source)
        return FALSE;
    if (there)
        destination =
            vm_connect (m->context, there, END_DESTINATION, m->global, m->leave, &why_not);
    if (!ask_both (source, &destination, &why_not, error))
        return FALSE;
    m->source = g_steal_pointer (&source);
    return m->configure (m, m->source->name, m->source->uuid, error) &&
           hear_destination (m, g_steal_pointer (&destination), g_steal_pointer (&why_not), error);
}

gboolean
migration_look_at_ends (Migration *m, GError **error)
{
    const MigrateOptions *o = m->options;

    m->uri = migration_uri_parse (o->uri, o->allow_exec, error);
    if (!m->uri)
        return FALSE;
    if (!open_ends (m, error))
        return FALSE;
    m->named[END_SOURCE] = TRUE;
    m->named[END_DESTINATION] = m->destination != NULL;
    m->was_live = run_state_is_live (m->source->run_state);
    m->source_run_state = g_strdup (m->source->run_state);
    m->status = m->source->status;
    if (!m->id)
        m->id = state_migration_id (m->source->name, m->source->uuid,
                                    (int)qmp_client_peer_pid (m->source->client));
    return TRUE;
}
