/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* The lines that a migration posts: docs/json.md. */
#include "agent/migration/migration.h"
#include "qmp/value.h"

static json_object *
line_new (const Migration *m, const char *type)
{
    gint64 t_us = m->started_us ? g_get_monotonic_time () - m->started_us : 0;
    json_object *line = qmp_object ("type", json_object_new_string (type), "t_us",
                                    json_object_new_int64 (t_us), NULL);

    if (m->id)
        json_object_object_add (line, "id", json_object_new_string (m->id));
    return line;
}

void
migration_post (Migration *m, const char *type, json_object *body)
{
    json_object *line = line_new (m, type);

    json_object_object_foreach (body, name, value)
        json_object_object_add (line, name, json_object_get (value));
    json_object_put (body);
    board_post (m->board, line);
}

void
migration_post_sample (Migration *m, const Sample *sample)
{
    json_object *line = line_new (m, "sample");

    sample_write (sample, &m->tracker.outlook, m->status_text, m->source_run_state, line);
    board_post_own (m->board, line);
}

void
migration_notice (Migration *m, const char *level, const char *code, const char *format, ...)
{
    g_autofree char *text = NULL;
    va_list args;

    va_start (args, format);
    text = g_strdup_vprintf (format, args);
    va_end (args);
    migration_post (m, "notice",
                    qmp_object ("level", json_object_new_string (level), "code",
                                json_object_new_string (code), "text",
                                json_object_new_string (text), NULL));
}

static json_object *
end_to_json (const Vm *vm)
{
    json_object *end = qmp_object (
        "address", json_object_new_string (vm->address->text), "observed",
        json_object_new_boolean (TRUE), "version", json_object_new_string (vm->version),
        "run_state", json_object_new_string (vm->run_state), "capabilities",
        json_object_get (vm->capabilities), "parameters", json_object_get (vm->parameters), NULL);
    pid_t pid = qmp_client_peer_pid (vm->client);

    qmp_add_string (end, "package", qmp_client_version (vm->client)->package);
    qmp_add_string (end, "machine", vm->machine);
    if (pid > 0)
        json_object_object_add (end, "pid", json_object_new_int (pid));
    return end;
}

json_object *
migration_limits_to_json (const Migration *m)
{
    static const char *const if_stuck[] = { "wait", "pause-guest", "cancel" };
    json_object *limits =
        qmp_object ("max_downtime_us", json_object_new_uint64 (m->limits.max_downtime_us),
                    "max_stall_us", json_object_new_uint64 (m->limits.max_stall_us),
                    "max_throttle_pct", json_object_new_int ((int)m->limits.max_throttle_pct),
                    "if_stuck", json_object_new_string (if_stuck[m->limits.if_stuck]), NULL);

    if (m->limits.deadline_us)
        json_object_object_add (limits, "deadline_us",
                                json_object_new_uint64 (m->limits.deadline_us));
    if (m->options->bandwidth_bytes_per_s != UNITS_UNLIMITED)
        json_object_object_add (limits, "bandwidth_bytes_per_s",
                                json_object_new_uint64 (m->options->bandwidth_bytes_per_s));
    return limits;
}

static json_object *
named_values_to_json (const GPtrArray *values)
{
    json_object *list = json_object_new_array ();

    for (guint i = 0; i < values->len; i++) {
        const NamedValue *value = g_ptr_array_index (values, i);
        g_autofree char *text = g_strconcat (value->name, "=", value->value, NULL);

        json_object_array_add (list, json_object_new_string (text));
    }
    return list;
}

/* As they were written; what is built in is left out. */
static json_object *
options_to_json (const MigrateOptions *options)
{
    json_object *json = json_object_new_object ();
    GHashTableIter iter;
    gpointer name, text;

    g_hash_table_iter_init (&iter, options->given);
    while (g_hash_table_iter_next (&iter, &name, &text))
        if (!migrate_options_is_list (name))
            qmp_add_string (json, name, text);
    if (options->capabilities->len)
        json_object_object_add (json, "cap", named_values_to_json (options->capabilities));
    if (options->parameters->len)
        json_object_object_add (json, "param", named_values_to_json (options->parameters));
    return json;
}

static json_object *
ends_to_json (const Migration *m)
{
    json_object *ends = json_object_new_object ();
    const Vm *vms[] = { m->source, m->destination };

    for (End end = END_SOURCE; end <= END_DESTINATION; end++)
        json_object_object_add (
            ends, end_name (end),
            vms[end] ? end_to_json (vms[end])
                     : qmp_object ("observed", json_object_new_boolean (FALSE), NULL));
    return ends;
}

static json_object *
policy_to_json (const Migration *m)
{
    return qmp_object ("name", json_object_new_string (policy_name (m->helm.policy)), "version",
                       json_object_new_string (policy_version (m->helm.policy)), "keys",
                       migration_policy_keys (m), NULL);
}

void
migration_post_header (Migration *m)
{
    const Vm *vm = m->source ? m->source : m->destination;
    g_autoptr (GDateTime) now = g_date_time_new_now_utc ();
    g_autofree char *wall_clock = g_date_time_format (now, "%Y-%m-%dT%H:%M:%S.%fZ");
    json_object *names = json_object_new_object ();
    json_object *header = qmp_object (
        "format", json_object_new_string ("qmpmig-1"), "wall_clock",
        json_object_new_string (wall_clock), "tool",
        qmp_object ("name", json_object_new_string ("qmpmig"), "version",
                    json_object_new_string (QMPMIG_VERSION), NULL),
        "vm", names, "role", json_object_new_string (m->role), "ends", ends_to_json (m), "options",
        options_to_json (m->options), "limits", migration_limits_to_json (m), NULL);

    if (m->uri)
        qmp_add_string (header, "uri", m->uri->text);
    if (m->is_foreign)
        json_object_object_add (header, "observe", json_object_new_boolean (m->helm.observes));
    if (m->helm.policy)
        json_object_object_add (header, "policy", policy_to_json (m));
    if (vm) {
        qmp_add_string (names, "name", vm->name);
        qmp_add_string (names, "uuid", vm->uuid);
        if (vm->ram_bytes)
            json_object_object_add (header, "ram_bytes", json_object_new_uint64 (vm->ram_bytes));
        if (vm->vcpus)
            json_object_object_add (header, "vcpus", json_object_new_int ((int)vm->vcpus));
        qmp_add_string (header, "accelerator", vm->kvm ? "kvm" : "other");
    }
    m->has_header = TRUE;
    migration_post (m, "header", header);
}

void
migration_post_plan (Migration *m)
{
    if (!m->has_header)
        migration_post_header (m);
    migration_post (m, "plan", plan_to_json (m->plan, m->options->dry_run));
}
