/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "agent/commands/detach.h"

#include <fcntl.h>
#include <stdio.h>
#include <sys/wait.h>
#include <unistd.h>

#include "qmp/value.h"

struct Detach {
    int pipe; /* -1: told already */
};

static ExitCode
await_child (pid_t pid, int pipe)
{
    unsigned char code = EXIT_INTERNAL;
    int status;

    if (read (pipe, &code, 1) == 1) {
        if (code == EXIT_LEFT)
            g_print ("qmpmig %d goes on in the background; `qmpmig status` shows it\n", (int)pid);
        else
            waitpid (pid, &status, 0);
        return (ExitCode)code;
    }
    if (waitpid (pid, &status, 0) == pid && WIFEXITED (status))
        return (ExitCode)WEXITSTATUS (status);
    return EXIT_INTERNAL;
}

gboolean
detach_fork (Detach **ret_detach, ExitCode *ret_code)
{
    int ends[2];
    pid_t pid;

    *ret_code = EXIT_INTERNAL;
    if (pipe2 (ends, O_CLOEXEC) < 0 || (pid = fork ()) < 0)
        return TRUE;
    if (pid > 0) {
        close (ends[1]);
        *ret_code = await_child (pid, ends[0]);
        close (ends[0]);
        return TRUE;
    }
    close (ends[0]);
    setsid ();
    *ret_detach = g_new0 (Detach, 1);
    (*ret_detach)->pipe = ends[1];
    return FALSE;
}

static void
tell (Detach *self, unsigned char code)
{
    gssize written = write (self->pipe, &code, 1);

    (void)written; /* the caller may be gone; the migration is what counts */
    close (self->pipe);
    self->pipe = -1;
}

static void
drop_terminal (void)
{
    int null = open ("/dev/null", O_RDWR);

    if (null < 0)
        return;
    fflush (NULL);
    dup2 (null, STDIN_FILENO);
    dup2 (null, STDOUT_FILENO);
    dup2 (null, STDERR_FILENO);
    if (null > STDERR_FILENO)
        close (null);
}

void
detach_line (Detach *self, json_object *line)
{
    const char *type = qmp_peek_string (line, "type", "");

    if (!self || self->pipe < 0)
        return;
    if (g_str_equal (type, "result")) {
        tell (self, (unsigned char)qmp_peek_uint (line, "exit_code", EXIT_INTERNAL));
    } else if (g_str_equal (type, "sample")) {
        drop_terminal ();
        tell (self, EXIT_LEFT);
    }
}

void
detach_free (Detach *self)
{
    if (self && self->pipe >= 0)
        close (self->pipe);
    g_free (self);
}
