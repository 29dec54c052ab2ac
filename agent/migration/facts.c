/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* What the journal keeps of a migration, so that another qmpmig can go on with it. */
#include <unistd.h>

#include "agent/migration/migration.h"
#include "qmp/value.h"

static void
add_end (const Migration *m, json_object *facts, const Vm *vm)
{
    pid_t pid = qmp_client_peer_pid (vm->client);
    g_autofree char *pid_key = g_strconcat (end_name (vm->end), "_pid", NULL);
    g_autofree char *before_key = g_strconcat (end_name (vm->end), "_before", NULL);

    json_object_object_add (facts, end_name (vm->end), json_object_new_string (vm->address->text));
    if (vm->is_qemu_process)
        json_object_object_add (facts, pid_key, json_object_new_int (pid));
    if (m->before[vm->end])
        json_object_object_add (facts, before_key, json_object_get (m->before[vm->end]));
}

static json_object *
tls_to_json (const TlsOptions *tls)
{
    json_object *json = qmp_object ("kind", json_object_new_int ((int)tls->kind), NULL);

    if (tls->authz)
        json_object_object_add (json, "authz", json_object_new_string (tls->authz));
    return json;
}

json_object *
migration_policy_keys (const Migration *m)
{
    const GPtrArray *keys = m->options->policy_keys;
    json_object *json = json_object_new_object ();

    for (guint i = 0; i < keys->len; i++) {
        const NamedValue *pair = g_ptr_array_index (keys, i);

        json_object_object_add (json, pair->name, json_object_new_string (pair->value));
    }
    return json;
}

json_object *
migration_journal_facts (const Migration *m)
{
    const MigrateOptions *o = m->options;
    json_object *facts = qmp_object (
        "role", json_object_new_string (m->role), "begun_us",
        json_object_new_int64 (g_get_real_time ()), "pid", json_object_new_int (getpid ()),
        "was_live", json_object_new_boolean (m->was_live), "max_downtime_us",
        json_object_new_uint64 (m->limits.max_downtime_us), "max_throttle_pct",
        json_object_new_int ((int)m->limits.max_throttle_pct), "postcopy",
        json_object_new_int ((int)m->limits.postcopy), "steers_throttle",
        json_object_new_boolean (m->helm.steers_throttle), "if_stuck",
        json_object_new_int ((int)m->limits.if_stuck), "policy", json_object_new_string (o->policy),
        "policy_keys", migration_policy_keys (m), "on_success",
        json_object_new_int ((int)o->on_success), "tls", tls_to_json (&o->tls), NULL);

    if (m->uri)
        json_object_object_add (facts, "uri", json_object_new_string (m->uri->text));
    if (m->source)
        add_end (m, facts, m->source);
    if (m->destination)
        add_end (m, facts, m->destination);
    return facts;
}

pid_t
migration_pid (const Migration *m, End end)
{
    const Vm *vm = end == END_SOURCE ? m->source : m->destination;
    g_autofree char *key = g_strconcat (end_name (end), "_pid", NULL);

    if (vm && vm->is_qemu_process)
        return qmp_client_peer_pid (vm->client);
    return m->journal ? (pid_t)qmp_peek_uint (journal_facts (m->journal), key, 0) : 0;
}
