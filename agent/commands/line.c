/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "agent/commands/line.h"

#include <string.h>

#include "agent/commands/help.h"
#include "agent/commands/line-internal.h"
#include "agent/commands/line-spec.h"
#include "agent/commands/print-config.h"
#include "agent/commands/table.h"

CommandLine *
command_line_new (void)
{
    CommandLine *self = g_new0 (CommandLine, 1);

    self->started_us = g_get_monotonic_time ();
    self->given = g_array_new (FALSE, FALSE, sizeof (Given));
    self->words = g_ptr_array_new ();
    global_options_init (&self->global);
    return self;
}

void
command_line_free (CommandLine *self)
{
    if (!self)
        return;
    g_array_unref (self->given);
    g_ptr_array_unref (self->words);
    global_options_clear (&self->global);
    config_free (self->config);
    migrate_options_free (self->migrate);
    g_free (self);
}

gint64
command_line_age_us (const CommandLine *self)
{
    return g_get_monotonic_time () - self->started_us;
}

char **
command_line_words (const CommandLine *self)
{
    return self->all_words;
}

const Command *
command_line_command (const CommandLine *self)
{
    return self->command;
}

gboolean
line_fail (GError **error, const char *format, ...)
{
    va_list args;
    g_autofree char *text = NULL;

    va_start (args, format);
    text = g_strdup_vprintf (format, args);
    va_end (args);
    g_set_error_literal (error, G_OPTION_ERROR, G_OPTION_ERROR_BAD_VALUE, text);
    return FALSE;
}

/* --- what the command makes of them ---------------------------------------------------------- */

static gboolean
is_choice (const OptionSpec *spec)
{
    const char *letters = "abcdefghijklmnopqrstuvwxyz-|";

    return spec->argument && strchr (spec->argument, '|') &&
           !spec->argument[strspn (spec->argument, letters)];
}

/* The command's own options have no setters: what their row says is checked here. */
static gboolean
check_own_option (const OptionSpec *spec, const char *value, GError **error)
{
    g_auto (GStrv) words = is_choice (spec) ? g_strsplit (spec->argument, "|", -1) : NULL;

    if (!spec->argument && value)
        return line_fail (error, "--%s takes no value", spec->name);
    if (words && !g_strv_contains ((const char *const *)words, value))
        return line_fail (error, "--%s: '%s' is not one of %s", spec->name, value, spec->argument);
    return TRUE;
}

/* Which table of this command the option is from decides what becomes of it. */
static gboolean
use_option (CommandLine *self, Given *given, GError **error)
{
    const char *name = given->spec->name;
    const OptionSpec *own = NULL;

    if (self->command)
        own = line_spec_in_table (self->command->options, name);
    if (!own)
        own = line_spec_in_table (command_line_meta_options (), name);
    if (own) {
        given->spec = own;
        return check_own_option (own, given->value, error);
    }
    if (line_spec_in_list (global_options_spec, name))
        return global_options_set (&self->global, name, given->value, error);
    if (self->config && line_spec_in_list (migrate_options_spec, name) &&
        (!self->command || command_takes (self->command, name)))
        return config_give (self->config, name, given->value, error);
    if (!self->command)
        return line_fail (error, "--%s needs a command; see qmpmig --help", name);
    return line_fail (error, "%s does not take --%s; see qmpmig %s --help", self->command->name,
                      name, self->command->name);
}

static gboolean
find_command (CommandLine *self, GError **error)
{
    const char *name = g_ptr_array_index (self->words, 0);
    const CommandEntry *entry = command_find (name);
    const char *near;

    if (entry) {
        self->command = entry->command;
        return TRUE;
    }
    near = command_nearest (name);
    if (near)
        return line_fail (error, "unknown command '%s'; did you mean '%s'?", name, near);
    return line_fail (error, "unknown command '%s'; see qmpmig --help", name);
}

static gboolean
check_count (const CommandLine *self, GError **error)
{
    const Command *command = self->command;
    int count = (int)self->words->len - 2; /* without the command's word and the NULL */
    gboolean is_few = count < command->min_arguments;
    g_autofree char *usage = NULL;

    if (!is_few && (command->max_arguments < 0 || count <= command->max_arguments))
        return TRUE;
    usage = help_usage (command);
    return line_fail (error, "%s: too %s arguments\n%s", command->name, is_few ? "few" : "many",
                      usage);
}

/* The environment stands below the command line. */
static gboolean
use_environment (CommandLine *self, GError **error)
{
    const char *address = g_getenv ("QMPMIG_SOCKET");

    if (!self->global.socket && address && address[0]) {
        self->global.socket = qmp_address_parse (address, error);
        if (!self->global.socket) {
            g_prefix_error (error, "QMPMIG_SOCKET: ");
            return FALSE;
        }
    }
    return TRUE;
}

/* The files come before the options, which are given to the same Config. --config is the exception
 * that has to be known first. */
static gboolean
load_config (CommandLine *self, GError **error)
{
    const char *file = command_value (self, "config");
    const char *from_environment = g_getenv ("QMPMIG_CONFIG");

    if (!file && from_environment && from_environment[0])
        file = from_environment;
    self->config = config_load (file, error);
    return self->config && config_read_environment (self->config, error);
}

static gboolean
use_options (CommandLine *self, GError **error)
{
    for (guint i = 0; i < self->given->len; i++)
        if (!use_option (self, &g_array_index (self->given, Given, i), error))
            return FALSE;
    return use_environment (self, error);
}

static gboolean
merge_migrate_options (CommandLine *self, GError **error)
{
    if (!self->config)
        return TRUE;
    self->migrate = migrate_options_new ();
    return config_apply (self->config, self->migrate, error);
}

gboolean
command_line_parse (CommandLine *self, char **words, GError **error)
{
    self->all_words = words;
    /* Known early, because a mistake in the rest is told as JSON too. */
    self->global.json = g_strv_contains ((const char *const *)words, "--json") ||
                        g_strv_contains ((const char *const *)words, "-j");

    if (!line_split_words (self, words, error))
        return FALSE;
    if (command_flag (self, "version"))
        return TRUE;
    if (g_ptr_array_index (self->words, 0) && !find_command (self, error))
        return FALSE;
    if (command_flag (self, "help"))
        return TRUE;
    if (!self->command && !command_flag (self, "print-config"))
        return line_fail (error, "a command is needed; see qmpmig --help");
    if ((!self->command || self->command->takes_migrate_options) && !load_config (self, error))
        return FALSE;
    if (!use_options (self, error) || !merge_migrate_options (self, error))
        return FALSE;
    return command_flag (self, "print-config") || check_count (self, error);
}

ExitCode
command_line_run (const CommandLine *self)
{
    if (command_flag (self, "version"))
        return help_print_version ();
    if (command_flag (self, "help"))
        return self->command ? help_print_command (self->command) : help_print_all ();
    if (command_flag (self, "print-config"))
        return print_config (self);
    return self->command->run (self);
}

/* --- what the commands ask ------------------------------------------------------------------- */

const GlobalOptions *
command_global (const CommandLine *self)
{
    return &self->global;
}

const Config *
command_config (const CommandLine *self)
{
    return self->config;
}

MigrateOptions *
command_migrate_options (const CommandLine *self)
{
    return self->migrate;
}

char **
command_arguments (const CommandLine *self)
{
    return (char **)self->words->pdata + 1;
}

gboolean
command_flag (const CommandLine *self, const char *option)
{
    return command_value (self, option) != NULL;
}

const char *
command_value (const CommandLine *self, const char *option)
{
    for (guint i = self->given->len; i > 0; i--) {
        const Given *given = &g_array_index (self->given, Given, i - 1);

        if (!strcmp (given->spec->name, option))
            return given->value ? given->value : "";
    }
    return NULL;
}

GPtrArray *
command_values (const CommandLine *self, const char *option)
{
    GPtrArray *values = g_ptr_array_new ();

    for (guint i = 0; i < self->given->len; i++) {
        const Given *given = &g_array_index (self->given, Given, i);

        if (!strcmp (given->spec->name, option) && given->value)
            g_ptr_array_add (values, (gpointer)given->value);
    }
    return values;
}
