/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* What comes out: a line for each, and the record of one. */
#include "agent/commands/record.h"
#include "agent/commands/simulate-internal.h"
#include "qmp/value.h"

static void
post (gpointer data, const char *type, guint64 t_us, json_object *body)
{
    Simulate *self = data;
    g_autoptr (json_object) line = body;
    g_autofree char *text = NULL;
    g_autofree char *trouble = NULL;

    json_object_object_add (line, "type", json_object_new_string (type));
    json_object_object_add (line, "t_us", json_object_new_uint64 (t_us));
    json_object_object_add (line, "id", json_object_new_string (self->id));
    text = g_strconcat (json_object_to_json_string_ext (line, JSON_C_TO_STRING_PLAIN |
                                                                  JSON_C_TO_STRING_NOSLASHESCAPE),
                        "\n", NULL);
    trouble = trace_line (self->trace, line, text);
    if (trouble)
        record_warn (self->line, "trace", "%s", trouble);
}

static json_object *
memory_to_json (const Simulate *self)
{
    return qmp_object ("name", json_object_new_string ("simulated"), "ram_bytes",
                       json_object_new_uint64 (self->memory_bytes), NULL);
}

static json_object *
ends_to_json (const Simulate *self)
{
    const ThreadSetup *setup = &self->simulation.thread;
    g_autofree char *version = g_strdup_printf ("%u.%u.0", setup->qemu_major, setup->qemu_minor);

    return qmp_object ("source",
                       qmp_object ("address", json_object_new_string ("simulated"), "observed",
                                   json_object_new_boolean (FALSE), "version",
                                   json_object_new_string (version), NULL),
                       NULL);
}

static char *
make_id (guint64 seed)
{
    g_autoptr (GDateTime) now = g_date_time_new_now_utc ();
    g_autofree char *stamp = g_date_time_format (now, "%Y%m%dT%H%M%SZ");

    return g_strdup_printf ("simulated-%s-%04x", stamp, (guint)(seed & 0xffff));
}

static void
post_header (Simulate *self)
{
    g_autoptr (json_object) first = record_line (self->line, "header");
    json_object *header = qmp_object (
        "format", json_object_new_string ("qmpmig-1"), "wall_clock",
        json_object_get (qmp_peek (first, "wall_clock")), "role",
        json_object_new_string ("simulate"), "tool",
        qmp_object ("name", json_object_new_string ("qmpmig"), "version",
                    json_object_new_string (QMPMIG_VERSION), NULL),
        "ends", ends_to_json (self), "vm", memory_to_json (self), "ram_bytes",
        json_object_new_uint64 (self->memory_bytes), "vcpus",
        json_object_new_uint64 (self->simulation.thread.vcpus), "accelerator",
        json_object_new_string (self->simulation.thread.kvm ? "kvm" : "tcg"), "policy",
        qmp_object ("name", json_object_new_string (self->options->policy), NULL), NULL);

    post (self, "header", 0, header);
}

static void
post_result (Simulate *self, json_object *simulated)
{
    json_object *result = json_object_new_object ();
    const char *outcome = qmp_peek_string (simulated, "outcome", "");
    gboolean done = g_str_equal (outcome, "completed");
    gboolean cancelled = g_str_equal (outcome, "cancelled");

    json_object_object_foreach (simulated, key, value) {
        if (!g_str_equal (key, "type") && !g_str_equal (key, "wall_clock") &&
            !g_str_equal (key, "format"))
            json_object_object_add (result, key, json_object_get (value));
    }
    json_object_object_add (result, "outcome",
                            json_object_new_string (done || cancelled ? outcome : "left"));
    json_object_object_add (result, "exit_code",
                            json_object_new_int (done        ? EXIT_DONE
                                                 : cancelled ? EXIT_CANCELLED
                                                             : EXIT_LEFT));
    json_object_object_add (result, "guest_runs_on",
                            json_object_new_string (done ? "destination" : "source"));
    if (done)
        json_object_object_add (result, "blackout_source", json_object_new_string ("qemu"));
    post (self, "result", qmp_peek_uint (simulated, "total_us", 0), result);
}

gboolean
simulate_open_trace (Simulate *self, const char *file, GError **error)
{
    if (!file)
        return TRUE;
    self->trace = trace_new_file (file, error);
    if (!self->trace)
        return FALSE;
    self->simulation.post = post;
    self->simulation.data = self;
    self->id = make_id (self->simulation.seed);
    post_header (self);
    return TRUE;
}

void
simulate_close_trace (Simulate *self, json_object *simulated)
{
    if (self->trace)
        post_result (self, simulated);
    g_clear_pointer (&self->trace, trace_free);
}

/* --- lines ----------------------------------------------------------------------------------- */

static void
add_uint (json_object *to, const char *name, guint64 value)
{
    if (value != QMPMIG_UNKNOWN)
        json_object_object_add (to, name, json_object_new_uint64 (value));
}

static void
add_guest (json_object *line, const Simulate *self)
{
    const char *what = self->simulation.course ? "replay" : "policy";

    json_object_object_add (line, "what", json_object_new_string (what));
    add_uint (line, "memory_bytes", self->memory_bytes);
    add_uint (line, "link_bytes_per_s", (guint64)self->simulation.link.bytes_per_s);
    json_object_object_add (line, "workload", json_object_new_string (self->terms));
}

json_object *
simulate_result_line (const Simulate *self, const char *policy, const SimResult *r)
{
    json_object *line = record_line (self->line, "simulated");

    if (self->recording.header)
        add_guest (line, self);
    json_object_object_add (line, "policy", json_object_new_string (policy));
    json_object_object_add (line, "outcome",
                            json_object_new_string (sim_outcome_name (r->outcome)));
    json_object_object_add (line, "postcopy", json_object_new_boolean (r->postcopy));
    add_uint (line, "total_us", r->total_us);
    if (r->outcome == SIM_COMPLETED) {
        add_uint (line, "blackout_us", r->blackout_us);
        add_uint (line, "qemu_downtime_us", r->qemu_downtime_us);
    }
    add_uint (line, "longest_stall_us", r->stall_us);
    add_uint (line, "work_lost_us", r->work_lost_us);
    add_uint (line, "throttle_integral_us", r->throttle_integral_us);
    add_uint (line, "sent_bytes", r->sent_bytes);
    if (r->outcome != SIM_COMPLETED)
        add_uint (line, "left_bytes", r->left_bytes);
    add_uint (line, "channels", r->channels);
    add_uint (line, "passes", r->passes);
    add_uint (line, "syncs", r->syncs);
    add_uint (line, "least_total_us", (guint64)r->least.total_us);
    add_uint (line, "least_blackout_us", (guint64)r->least.blackout_us);
    add_uint (line, "least_work_lost_us", (guint64)r->least.work_lost_us);
    if (r->reason)
        json_object_object_add (line, "reason", json_object_new_string (r->reason));
    return line;
}

/* What the recorded one went through. */
static gboolean
was_postcopy (const GArray *samples)
{
    for (guint i = 0; i < samples->len; i++)
        if (g_array_index (samples, Sample, i).status == QMPMIG_STATUS_POSTCOPY)
            return TRUE;
    return FALSE;
}

static void
add_last (json_object *to, const Recording *recording)
{
    const Sample *last = &g_array_index (recording->samples, Sample, recording->samples->len - 1);

    add_uint (to, "qemu_downtime_us", recording->qemu_downtime_us);
    add_uint (to, "passes", last->passes);
    add_uint (to, "syncs", last->syncs);
}

json_object *
simulate_actual_line (const Simulate *self)
{
    static const char *const keys[] = { "total_us", "blackout_us", "throttle_integral_us",
                                        "sent_bytes" };
    const Recording *recording = &self->recording;
    json_object *line = record_line (self->line, "simulated");
    const char *policy = qmp_peek_string (recording->header, "policy.name", "none");
    const char *outcome = qmp_peek_string (recording->result, "outcome", "left");

    json_object_object_add (line, "what", json_object_new_string ("actual"));
    json_object_object_add (line, "policy", json_object_new_string (policy));
    json_object_object_add (line, "outcome", json_object_new_string (outcome));
    json_object_object_add (line, "postcopy",
                            json_object_new_boolean (was_postcopy (recording->samples)));
    for (guint i = 0; i < G_N_ELEMENTS (keys); i++)
        add_uint (line, keys[i], qmp_peek_uint (recording->result, keys[i], QMPMIG_UNKNOWN));
    add_last (line, recording);
    return line;
}
