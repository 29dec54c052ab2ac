/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include <stdio.h>

#include "agent/commands/record.h"
#include "agent/commands/simulate-internal.h"
#include "agent/commands/simulate-table.h"
#include "qmp/value.h"

/* Takes LINE. */
static void
tell (Simulate *self, json_object *line)
{
    g_ptr_array_add (self->lines, line);
    if (command_global (self->line)->json)
        record_print (line);
}

static gboolean
simulate_one (Simulate *self, const char *policy, const char *trace, GError **error)
{
    g_auto (SimResult) result = { 0 };
    json_object *line;

    if (!simulate_open_trace (self, trace, error) ||
        !simulation_run (&self->simulation, &result, error))
        return FALSE;
    line = simulate_result_line (self, policy, &result);
    simulate_close_trace (self, line);
    tell (self, line);
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
            !simulate_one (self, text, o->trace_file, error))
            return FALSE;
    }
    return TRUE;
}

/* What was recorded, and the same by what was commanded then. */
static gboolean
replay (Simulate *self, const char *trace, GError **error)
{
    const char *policy = qmp_peek_string (self->recording.header, "policy.name", "none");
    gboolean ok;

    tell (self, simulate_actual_line (self));
    self->simulation.course = &self->recording.course;
    ok = simulate_one (self, policy, trace, error);
    self->simulation.course = NULL;
    return ok;
}

static gboolean
simulate (Simulate *self, GError **error)
{
    g_autoptr (GPtrArray) policies = command_values (self->line, "policy");
    const char *name = command_arguments (self->line)[0];
    const char *trace = self->options->trace_file;

    if (trace && policies->len > 1)
        return simulate_fail (error, "--trace has room for one policy");
    if (name &&
        (!recording_read (&self->recording, name, error) || !simulate_take_limits (self, error)))
        return FALSE;
    if (!simulate_take_guest (self, error) ||
        (name && !replay (self, policies->len ? NULL : trace, error)))
        return FALSE;
    if (policies->len || name)
        return simulate_each (self, policies, error);
    return simulate_one (self, self->options->policy, trace, error);
}

static void
line_free (gpointer line)
{
    json_object_put (line);
}

static void
print (const Simulate *self)
{
    Style style = record_style (self->line);
    g_autofree char *table = simulate_table (&style, self->lines);

    fputs (table, stdout);
}

static ExitCode
run_simulate (const CommandLine *line)
{
    g_autoptr (GPtrArray) lines = g_ptr_array_new_with_free_func (line_free);
    Simulate self = { .line = line, .options = command_migrate_options (line), .lines = lines };
    GError *error = NULL;
    gboolean ok = simulate (&self, &error);

    if (!command_global (line)->json && lines->len)
        print (&self);
    recording_clear (&self.recording);
    workload_clear (&self.workload);
    trace_free (self.trace);
    g_free (self.terms);
    g_free (self.id);
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
    .arguments = "[TRACE]",
    .summary = "what a migration would come to under one policy or several",
    .description =
        "Moves a guest that there is none of, by a model of QEMU's migration thread, with the\n"
        "policies as they are, and prints a line for each --policy. The guest is described by the\n"
        "options, or found in the record of a migration: TRACE, a file or a name out of the list\n"
        "of `qmpmig history`, which is then told as it was, as the model has it, and as each\n"
        "policy would have had it. The same seed gives the same migration. The model, and what it\n"
        "leaves out, is told in the manual.",
    .example = "  qmpmig simulate --memory 8GiB --link 1Gbit/s --workload hot:1GiB@50MiB/s\n"
               "  qmpmig simulate web1.jsonl --policy auto --policy postcopy",
    .options = options,
    .max_arguments = 1,
    .takes_migrate_options = TRUE,
    .move_options = move_options,
    .run = run_simulate,
};
