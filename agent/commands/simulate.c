/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "agent/commands/command.h"

#include <stdio.h>

#include "agent/commands/record.h"
#include "agent/commands/simulate-table.h"
#include "agent/simulate/machine.h"
#include "agent/simulate/simulation.h"
#include "agent/steering/trace.h"
#include "qmp/value.h"

/* One that takes longer than this many times its memory's way over the link is stuck. */
#define PATIENCE    20
#define PATIENCE_US (10 * G_TIME_SPAN_MINUTE)

typedef struct {
    const CommandLine *line;
    MigrateOptions *options;
    Workload workload;
    Simulation simulation;
    guint64 memory_bytes;
    Trace *trace; /* NULL: none */
    char *id;     /* of its record */
    GPtrArray *lines;
} Simulate;

static gboolean G_GNUC_PRINTF (2, 3) usage (GError **error, const char *format, ...)
{
    g_autofree char *text = NULL;
    va_list args;

    va_start (args, format);
    text = g_strdup_vprintf (format, args);
    va_end (args);
    g_set_error_literal (error, UNITS_ERROR, 0, text);
    return FALSE;
}

/* --- what is simulated ----------------------------------------------------------------------- */

static gboolean
take_version (Simulate *self, GError **error)
{
    const char *text = command_value (self->line, "qemu");
    ThreadSetup *setup = &self->simulation.thread;

    if (text && sscanf (text, "%u.%u", &setup->qemu_major, &setup->qemu_minor) != 2)
        return usage (error, "--qemu: '%s' is not MAJOR.MINOR", text);
    return TRUE;
}

static gboolean
take_machine (Simulate *self, GError **error)
{
    const char *accelerator = command_value (self->line, "accel");
    const char *vcpus = command_value (self->line, "vcpus");
    ThreadSetup *setup = &self->simulation.thread;
    guint64 number = 4;

    *setup = (ThreadSetup){ .qemu_major = 10, .qemu_minor = 0 };
    setup->kvm = g_strcmp0 (accelerator, "tcg") != 0;
    setup->machine = machine_new (setup->kvm);
    if (vcpus && !units_parse_uint ("--vcpus", vcpus, 1, 4096, &number, error))
        return FALSE;
    setup->vcpus = (guint)number;
    return take_version (self, error);
}

static gboolean
take_guest (Simulate *self, GError **error)
{
    const char *memory = command_value (self->line, "memory");
    const char *workload = command_value (self->line, "workload");
    const char *link = command_value (self->line, "link");

    if (!memory || !link)
        return usage (error, "--memory and --link say what is simulated");
    if (!units_parse_size ("--memory", memory, &self->memory_bytes, error))
        return FALSE;
    if (self->memory_bytes < 1024 * 1024)
        return usage (error, "--memory: a guest has at least 1 MiB");
    return link_parse (&self->simulation.link, "--link", link, error) &&
           workload_parse (&self->workload, "--workload", workload ? workload : "idle",
                           self->memory_bytes, error);
}

static gboolean
take_seed (Simulate *self, GError **error)
{
    const char *seed = command_value (self->line, "seed");

    self->simulation.seed = 1;
    return !seed || units_parse_uint ("--seed", seed, 0, G_MAXINT64, &self->simulation.seed, error);
}

static gboolean
take_patience (Simulate *self, GError **error)
{
    const char *text = command_value (self->line, "give-up");
    Simulation *simulation = &self->simulation;
    double once_us = (double)self->memory_bytes / simulation->link.bytes_per_s * G_USEC_PER_SEC;

    simulation->give_up_us = (guint64)MAX (PATIENCE * once_us, PATIENCE_US);
    return !text || units_parse_time ("--give-up", text, &simulation->give_up_us, error);
}

static gboolean
take_all (Simulate *self, GError **error)
{
    Simulation *simulation = &self->simulation;

    if (!take_machine (self, error) || !take_guest (self, error) || !take_seed (self, error) ||
        !take_patience (self, error))
        return FALSE;
    simulation->workload = &self->workload;
    simulation->thread.busy = self->workload.busy;
    simulation->options = self->options;
    return TRUE;
}

/* --- its record ------------------------------------------------------------------------------ */

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
        "ends", ends_to_json (self), "vm", memory_to_json (self), "policy",
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

/* --- one policy after the other -------------------------------------------------------------- */

static void
add_uint (json_object *to, const char *name, guint64 value)
{
    if (value != QMPMIG_UNKNOWN)
        json_object_object_add (to, name, json_object_new_uint64 (value));
}

static json_object *
result_to_json (const Simulate *self, const char *policy, const SimResult *r)
{
    json_object *line = record_line (self->line, "simulated");

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

static gboolean
open_trace (Simulate *self, const char *file, GError **error)
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

static gboolean
simulate_one (Simulate *self, const char *policy, GError **error)
{
    g_auto (SimResult) result = { 0 };
    json_object *line;

    if (!open_trace (self, self->options->trace_file, error) ||
        !simulation_run (&self->simulation, &result, error))
        return FALSE;
    line = result_to_json (self, policy, &result);
    if (self->trace)
        post_result (self, line);
    g_clear_pointer (&self->trace, trace_free);
    g_ptr_array_add (self->lines, line);
    if (command_global (self->line)->json)
        record_print (line);
    return TRUE;
}

/* Each has the limits of the command line, and its own on top. */
static gboolean
simulate_each (Simulate *self, const GPtrArray *policies, GError **error)
{
    MigrateOptions *o = self->options;
    const MigrateOptions common = *o;

    for (guint i = 0; i < policies->len; i++) {
        const char *text = g_ptr_array_index (policies, i);

        o->max_downtime_us = common.max_downtime_us;
        o->max_stall_us = common.max_stall_us;
        o->deadline_us = common.deadline_us;
        o->max_throttle_pct = common.max_throttle_pct;
        o->bandwidth_bytes_per_s = common.bandwidth_bytes_per_s;
        o->postcopy = common.postcopy;
        o->if_stuck = common.if_stuck;
        g_ptr_array_set_size (o->policy_keys, 0);
        if (!migrate_options_set (o, "policy", text, error) ||
            !config_apply_vm (command_config (self->line), o, NULL, NULL, error) ||
            !simulate_one (self, text, error))
            return FALSE;
    }
    return TRUE;
}

static gboolean
simulate (Simulate *self, GError **error)
{
    g_autoptr (GPtrArray) policies = command_values (self->line, "policy");

    if (self->options->trace_file && policies->len > 1)
        return usage (error, "--trace has room for one policy");
    if (!take_all (self, error))
        return FALSE;
    return policies->len ? simulate_each (self, policies, error)
                         : simulate_one (self, self->options->policy, error);
}

static void
line_free (gpointer line)
{
    json_object_put (line);
}

static ExitCode
run_simulate (const CommandLine *line)
{
    g_autoptr (GPtrArray) lines = g_ptr_array_new_with_free_func (line_free);
    Simulate self = { .line = line, .options = command_migrate_options (line), .lines = lines };
    GError *error = NULL;
    gboolean ok = simulate (&self, &error);

    workload_clear (&self.workload);
    trace_free (self.trace);
    g_free (self.id);
    if (!command_global (line)->json && lines->len) {
        Style style = record_style (line);
        g_autofree char *table = simulate_table (&style, lines);

        fputs (table, stdout);
    }
    return ok ? EXIT_DONE : command_fail (line, error);
}

static const OptionSpec options[] = {
    { "policy", 0, "NAME[,KEY=VALUE...]", "who steers; may be given several times (default auto)" },
    { "memory", 0, "SIZE", "the guest's memory" },
    { "workload", 0, "TERMS", "who writes to it: hot:2GiB@1GiB/s+zero:30%, ... (default idle)" },
    { "link", 0, "RATE", "the link: 10Gbit/s[,noise=10%][,shared=5s]" },
    { "qemu", 0, "VERSION", "which QEMU: MAJOR.MINOR (default 10.0)" },
    { "accel", 0, "kvm|tcg", "what it runs the guest with (default kvm)" },
    { "vcpus", 0, "N", "processors of the guest (default 4)" },
    { "seed", 0, "N", "of all chance (default 1)" },
    { "give-up", 0, "TIME", "when it counts as stuck (default: 20 times the memory's way)" },
    { 0 },
};

static const char *const move_options[] = { "bandwidth", "deadline",     "if-stuck", "max-downtime",
                                            "max-stall", "max-throttle", "postcopy", "throttle",
                                            "trace",     "xbzrle",       NULL };

const Command command_simulate = {
    .name = "simulate",
    .arguments = "",
    .summary = "what a migration would come to under one policy or several",
    .description =
        "Moves a guest that there is none of, by a model of QEMU's migration thread, with the\n"
        "policies as they are, and prints a line for each --policy. The same seed gives the same\n"
        "migration. The model, and what it leaves out, is told in the manual.",
    .example = "  qmpmig simulate --memory 8GiB --link 1Gbit/s --workload hot:1GiB@50MiB/s",
    .options = options,
    .takes_migrate_options = TRUE,
    .move_options = move_options,
    .run = run_simulate,
};
