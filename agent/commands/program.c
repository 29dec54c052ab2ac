/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "agent/commands/program.h"

#include <errno.h>
#include <locale.h>
#include <malloc.h>
#include <signal.h>
#include <stdio.h>

#include "agent/commands/line.h"

/* A full disk below a redirected output must not pass for success. It does not change what a move
 * has to say, which is where the guest is now. */
static ExitCode
close_output (ExitCode code, gboolean is_move)
{
    if (fflush (stdout) == 0 && !ferror (stdout))
        return code;
    if (errno != EPIPE)
        fprintf (stderr, "qmpmig: cannot write to standard output: %s\n", g_strerror (errno));
    return code == EXIT_DONE && !is_move ? EXIT_INTERNAL : code;
}

/* An arena for each thread would be a heap of its own, which grows a page at a time; our threads
 * hardly ever allocate at once. */
static void
share_heap (void)
{
#ifdef M_ARENA_MAX
    mallopt (M_ARENA_MAX, 1);
#endif
}

static ExitCode
run_helper (const CommandLine *line, const Command *command,
            ExitCode (*run) (const CommandLine *line))
{
    if (command_line_command (line) == command)
        return run (line);
    return command_fail (line,
                         g_error_new (G_OPTION_ERROR, G_OPTION_ERROR_BAD_VALUE,
                                      "this program is the command '%s' of qmpmig and no other",
                                      command->name));
}

int
program_main (int argc, char **argv, const Command *command,
              ExitCode (*run) (const CommandLine *line))
{
    g_autoptr (CommandLine) line = NULL;
    g_autoptr (GError) error = NULL;
    ExitCode code;

    share_heap ();
    line = command_line_new ();
    setlocale (LC_ALL, "");
    g_set_prgname ("qmpmig");
    signal (SIGPIPE, SIG_IGN);
    if (!command_line_parse (line, argc > 0 ? argv + 1 : argv, &error))
        return close_output (command_fail (line, g_steal_pointer (&error)), FALSE);
    code = command ? run_helper (line, command, run) : command_line_run (line);
    return close_output (code, command_migrate_options (line) != NULL);
}
