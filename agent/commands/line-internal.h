/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Shared by the command line's files only. */
#pragma once

#include "agent/commands/line.h"

typedef struct {
    const OptionSpec *spec;
    const char *value; /* NULL: none was given */
} Given;

struct CommandLine {
    gint64 started_us;
    char **all_words;
    const Command *command; /* NULL: none was named */
    GArray *given;          /* Given, in the order of the line */
    GPtrArray *words;       /* the command's and its arguments; ends with NULL once parsed */
    GlobalOptions global;
    Config *config;
    MigrateOptions *migrate;
};

/* G_OPTION_ERROR; FALSE, so that a failure is one line. */
gboolean line_fail (GError **error, const char *format, ...) G_GNUC_PRINTF (2, 3);
/* REST into words and options given. */
gboolean line_split_words (CommandLine *self, char **rest, GError **error);
