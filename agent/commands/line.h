/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* The command line: options before and after the command's word, in any order. Parsed by the tables
 * of OptionSpec rather than by GOption, whose optional arguments would swallow the next word
 * ("--multifd tcp:..."). Errors are in the domain G_OPTION_ERROR. */
#pragma once

#include "agent/commands/command.h"

/* For main: one line, parsed once, run once. WORDS are those after the program's name, borrowed. */
CommandLine *command_line_new (void);
gboolean command_line_parse (CommandLine *self, char **words, GError **error);
ExitCode command_line_run (const CommandLine *self);
void command_line_free (CommandLine *self);
G_DEFINE_AUTOPTR_CLEANUP_FUNC (CommandLine, command_line_free)

/* The words that were parsed, and the command among them; NULL for none. */
char **command_line_words (const CommandLine *self);
const Command *command_line_command (const CommandLine *self);

/* Microseconds since the line was made: the `t_us` of what is printed. */
gint64 command_line_age_us (const CommandLine *self);

/* --help, --version, --print-config: they replace the command. Ends with {0}. */
const OptionSpec *command_line_meta_options (void);
