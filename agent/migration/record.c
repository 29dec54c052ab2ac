/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* The lines that a migration posts: docs/json.md. */
#include "agent/migration/launch.h"
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

static void
add_text (json_object *object, const char *name, const char *text)
{
    if (text && *text)
        json_object_object_add (object, name, json_object_new_string (text));
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

    add_text (end, "package", qmp_client_version (vm->client)->package);
    add_text (end, "machine", vm->machine);
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
            add_text (json, name, text);
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
        add_text (header, "uri", m->uri->text);
    if (m->is_foreign)
        json_object_object_add (header, "observe", json_object_new_boolean (m->helm.observes));
    if (m->helm.policy)
        json_object_object_add (header, "policy", policy_to_json (m));
    if (vm) {
        add_text (names, "name", vm->name);
        add_text (names, "uuid", vm->uuid);
        if (vm->ram_bytes)
            json_object_object_add (header, "ram_bytes", json_object_new_uint64 (vm->ram_bytes));
        if (vm->vcpus)
            json_object_object_add (header, "vcpus", json_object_new_int ((int)vm->vcpus));
        add_text (header, "accelerator", vm->kvm ? "kvm" : "other");
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

void
migration_set_result (Migration *m, Outcome outcome, ExitCode code, const char *runs_on,
                      const char *format, ...)
{
    va_list args;

    m->result.outcome = outcome;
    m->result.exit_code = code;
    m->result.guest_runs_on = runs_on;
    g_free (m->result.text);
    va_start (args, format);
    m->result.text = g_strdup_vprintf (format, args);
    va_end (args);
}

static void
add_line (GPtrArray **lines, const char *format, va_list args)
{
    if (!*lines)
        *lines = g_ptr_array_new_with_free_func (g_free);
    g_ptr_array_add (*lines, g_strdup_vprintf (format, args));
}

void
migration_add_check (Migration *m, const char *format, ...)
{
    va_list args;

    va_start (args, format);
    add_line (&m->result.check, format, args);
    va_end (args);
}

void
migration_add_command (Migration *m, const char *format, ...)
{
    va_list args;

    va_start (args, format);
    add_line (&m->result.commands, format, args);
    va_end (args);
}

static json_object *
error_to_json (const GError *error)
{
    json_object *json = qmp_object ("text", json_object_new_string (error->message), NULL);

    if (g_str_has_prefix (error->message, "source: "))
        add_text (json, "end", "source");
    else if (g_str_has_prefix (error->message, "destination: "))
        add_text (json, "end", "destination");
    if (error->domain == QMP_ERROR) {
        add_text (json, "command", qmp_error_command (error));
        add_text (json, "class", qmp_error_class (error));
        add_text (json, "desc", qmp_error_desc (error));
    }
    return json;
}

static void
add_lines (json_object *result, const char *name, const GPtrArray *lines)
{
    json_object *list;

    if (!lines)
        return;
    list = json_object_new_array ();
    for (guint i = 0; i < lines->len; i++)
        json_object_array_add (list, json_object_new_string (g_ptr_array_index (lines, i)));
    json_object_object_add (result, name, list);
}

/* From STOP to RESUME by our clock, which is one clock even where the hosts are two. Each may have
 * reached us late by a round trip of its monitor. */
static void
add_blackout (const Migration *m, json_object *result)
{
    if (m->stop_us && m->resume_us > m->stop_us) {
        json_object_object_add (result, "blackout_us",
                                json_object_new_int64 (m->resume_us - m->stop_us));
        json_object_object_add (result, "blackout_source", json_object_new_string ("events"));
        json_object_object_add (
            result, "blackout_bound_us",
            json_object_new_int64 (m->source->round_trip_us + m->destination->round_trip_us));
    } else if (m->qemu_downtime_us != SAMPLE_UNKNOWN && m->was_live &&
               m->result.exit_code == EXIT_DONE) {
        json_object_object_add (result, "blackout_us",
                                json_object_new_uint64 (m->qemu_downtime_us));
        json_object_object_add (result, "blackout_source", json_object_new_string ("qemu"));
    }
}

static void
add_numbers (const Migration *m, json_object *result)
{
    const Sample *last = &m->tracker.last;

    if (!m->migrate_us)
        return;
    json_object_object_add (result, "total_us",
                            json_object_new_int64 (g_get_monotonic_time () - m->migrate_us));
    if (last->sent_bytes != SAMPLE_UNKNOWN)
        json_object_object_add (result, "sent_bytes", json_object_new_uint64 (last->sent_bytes));
    json_object_object_add (result, "passes", json_object_new_uint64 (m->tracker.passes));
    json_object_object_add (result, "throttle_integral_us",
                            json_object_new_uint64 (m->tracker.throttle_integral_us));
    add_blackout (m, result);
}

static json_object *
capabilities_used (const Migration *m)
{
    json_object *list = json_object_new_array ();

    for (guint i = 0; m->plan && i < m->plan->capabilities->len; i++) {
        const PlanCapability *c = g_ptr_array_index (m->plan->capabilities, i);

        if (c->value && c->end == (m->source ? END_SOURCE : END_DESTINATION))
            json_object_array_add (list, json_object_new_string (c->name));
    }
    return list;
}

void
migration_post_result (Migration *m)
{
    static const char *const names[] = {
        [OUTCOME_FAILED] = "failed",
        [OUTCOME_COMPLETED] = "completed",
        [OUTCOME_HANDED_OVER] = "handed-over",
        [OUTCOME_CANCELLED] = "cancelled",
        [OUTCOME_POSTCOPY_PAUSED] = "postcopy-paused",
        [OUTCOME_UNDECIDED] = "undecided",
        [OUTCOME_GUEST_ENDED] = "guest-ended",
        [OUTCOME_LEFT] = "left",
        [OUTCOME_PLANNED] = "planned",
    };
    const Result *r = &m->result;
    json_object *result = qmp_object ("outcome", json_object_new_string (names[r->outcome]),
                                      "exit_code", json_object_new_int ((int)r->exit_code),
                                      "guest_runs_on", json_object_new_string (r->guest_runs_on),
                                      "text", json_object_new_string (r->text), NULL);

    add_text (result, "run_state", r->run_state);
    add_numbers (m, result);
    if (m->plan && (m->touched || m->options->dry_run))
        json_object_object_add (result, "capabilities_used", capabilities_used (m));
    if (m->predicted)
        json_object_object_add (result, "predicted", json_object_get (m->predicted));
    if (m->source && r->exit_code == EXIT_DONE && !m->is_foreign)
        json_object_object_add (result, "source_kept", json_object_new_boolean (r->source_kept));
    if (r->error)
        json_object_object_add (result, "error", error_to_json (r->error));
    add_lines (result, "check", r->check);
    add_lines (result, "commands", r->commands);
    migration_post (m, "result", result);
}

void
migration_clear (Migration *m)
{
    json_object_put (m->set_by_us);
    json_object_put (m->predicted);
    journal_close (m->journal);
    launch_unref (m->launch);
    plan_free (m->plan);
    policy_free (m->helm.policy);
    vm_close (m->source);
    vm_close (m->destination);
    migration_uri_free (m->uri);
    g_clear_error (&m->result.error);
    g_clear_pointer (&m->result.check, g_ptr_array_unref);
    g_clear_pointer (&m->result.commands, g_ptr_array_unref);
    g_free (m->result.text);
    g_free (m->result.run_state);
    g_free (m->status_text);
    g_free (m->source_run_state);
    g_free (m->destination_error);
    g_free (m->source_error);
    g_free (m->guest_event);
    for (End end = END_SOURCE; end <= END_DESTINATION; end++) {
        json_object_put (m->before[end]);
        g_free (m->unreachable[end]);
    }
    json_object_put (m->found);
    g_free (m->id);
}
