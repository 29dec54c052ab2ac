/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "agent/commands/command.h"

#include "agent/commands/helper.h"

static void
add_option (GPtrArray *words, const char *name, const char *value)
{
    if (!value)
        return;
    g_ptr_array_add (words, g_strdup (name));
    g_ptr_array_add (words, g_strdup (value));
}

static ExitCode
run_agent (const CommandLine *line)
{
    g_autoptr (GPtrArray) words = g_ptr_array_new_with_free_func (g_free);
    GError *error = NULL;

    add_option (words, "--config", command_global (line)->config);
    add_option (words, "--bus", command_value (line, "bus"));
    g_ptr_array_add (words, NULL);
    helper_become ("agent", (char **)words->pdata, &error);
    return command_fail (line, error);
}

static const OptionSpec options[] = {
    { "bus", 0, "system|session|ADDRESS", "where it is reached (default system)" },
    { 0 },
};

const Command command_agent = {
    .name = "agent",
    .arguments = "",
    .summary = "the service: watches and steers the migrations of this host",
    .description =
        "Runs until it is told to stop; systemd starts it as qmpmig-agent.service. It is reached\n"
        "over D-Bus as org.qmpmig.Agent1, and steers each migration that it is asked to, or that\n"
        "leaves this host under libvirt, whoever started it. Freshly installed it only observes:\n"
        "it records what it would have done. mode=steer in the section [agent] of the\n"
        "configuration, or in [vm PATTERN] for some VMs, lets it turn the knobs.\n"
        "SIGHUP has it read the configuration again. When it ends, or crashes, migrations go on,\n"
        "and it picks them up when it is there again.",
    .example = "  systemctl enable --now qmpmig-agent\n  qmpmig agent --bus session",
    .options = options,
    .run = run_agent,
};
