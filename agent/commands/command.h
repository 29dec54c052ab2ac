/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* A subcommand: its words, its options, its help, and what it runs. One file per command; the table
 * of all is in command.c. */
#pragma once

#include "agent/config.h"
#include "agent/exit-code.h"
#include "agent/options.h"

/* The command line after parsing. */
typedef struct CommandLine CommandLine;

typedef struct {
    const char *name;
    const char *arguments;            /* "URI", "[KEY...]", "" */
    const char *summary;              /* one line, for the list */
    const char *description;          /* a few lines, for --help */
    const char *example;              /* one or more command lines, each indented by two spaces */
    const OptionSpec *options;        /* its own, ends with {0}; NULL: none */
    gboolean takes_migrate_options;   /* those of MigrateOptions too */
    const char *const *move_options;  /* which of them, ends with NULL; NULL: all */
    int min_arguments, max_arguments; /* max -1: any number */
    ExitCode (*run) (const CommandLine *line);
} Command;

/* Whether it takes that option of MigrateOptions. */
gboolean command_takes (const Command *command, const char *option);

const GlobalOptions *command_global (const CommandLine *line);
/* The files and the command line behind command_migrate_options(): for config_apply_vm(), once the
 * VM's name is known. NULL for commands that do not take them. */
const Config *command_config (const CommandLine *line);
/* Defaults, configuration files and command line already merged; NULL for commands that do not
 * take them. [vm PATTERN] sections are applied later, by config_apply_vm(). */
MigrateOptions *command_migrate_options (const CommandLine *line);
char **command_arguments (const CommandLine *line); /* after the command's name, NULL-terminated */
gboolean command_flag (const CommandLine *line, const char *option);
/* The last value given, "" for an optional one left out, NULL when the option was not given. */
const char *command_value (const CommandLine *line, const char *option);
/* All values given, in their order; borrowed (const char *). The list is the caller's. */
GPtrArray *command_values (const CommandLine *line, const char *option);

/* Prints the error ("qmpmig: TEXT" on stderr; with --json also a `result` line on stdout) and gives
 * the exit code that its domain and code stand for. Takes ERROR. */
ExitCode command_fail (const CommandLine *line, GError *error);
/* What that exit code is. */
ExitCode exit_code_of (const GError *error);
/* The same for an error from before anything was touched: what QEMU refuses then is a refusal. */
ExitCode exit_code_before_start (const GError *error);

extern const Command command_migrate, command_incoming, command_recover,
    command_steer; /* migration */
extern const Command command_status, command_get, command_set, command_finish, command_postcopy,
    command_cancel, command_capabilities, command_events, command_qmp; /* look and touch */
extern const Command command_list, command_history, command_policies, command_simulate,
    command_predict;
extern const Command command_agent, command_hook, command_report; /* helpers, see helper.h */
