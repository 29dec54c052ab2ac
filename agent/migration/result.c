/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* How it ended: filled in on the way to the end, posted as the record's last line. */
#include "agent/migration/migration.h"
#include "qmp/value.h"

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
        qmp_add_string (json, "end", "source");
    else if (g_str_has_prefix (error->message, "destination: "))
        qmp_add_string (json, "end", "destination");
    if (error->domain == QMP_ERROR) {
        qmp_add_string (json, "command", qmp_error_command (error));
        qmp_add_string (json, "class", qmp_error_class (error));
        qmp_add_string (json, "desc", qmp_error_desc (error));
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

/* Only who begins a move knows that there is none. */
static gboolean
is_left_unstarted (const Migration *m)
{
    return m->result.outcome == OUTCOME_LEFT && !m->migrate_us &&
           (g_str_equal (m->role, "migrate") || g_str_equal (m->role, "steer"));
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

    if (is_left_unstarted (m))
        json_object_object_add (result, "started", json_object_new_boolean (FALSE));
    qmp_add_string (result, "run_state", r->run_state);
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
