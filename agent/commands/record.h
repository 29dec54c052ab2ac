/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* What a command prints: with --json lines of docs/json.md, else sentences. */
#pragma once

#include "agent/commands/command.h"
#include "agent/display/style.h"
#include "qmp/message.h"

/* A line of that TYPE that begins a record: with format, wall clock and time. */
json_object *record_line (const CommandLine *line, const char *type);
/* Prints and flushes one. Borrowed. */
void record_print (json_object *object);
void record_print_text (const char *text); /* the same, spelled out already */
/* One sentence: on stdout, unless --quiet; with --json a `notice` with that CODE. */
void record_say (const CommandLine *line, const char *code, const char *format, ...)
    G_GNUC_PRINTF (3, 4);
/* A sentence that must not be missed: on stderr. */
void record_warn (const CommandLine *line, const char *code, const char *format, ...)
    G_GNUC_PRINTF (3, 4);
/* How text on stdout is dressed. */
Style record_style (const CommandLine *line);
