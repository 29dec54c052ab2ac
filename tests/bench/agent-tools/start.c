/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* start FD COMMAND...: runs it and tells on descriptor FD what the kernel says: pid and time of the
 * exec as soon as it starts, status and peak memory when it has ended. Small, so that the peak of
 * its own memory, which a child begins with, is never more than that of what it runs. */
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

static int64_t
now_us (void)
{
    struct timespec now;

    clock_gettime (CLOCK_REALTIME, &now);
    return (int64_t)now.tv_sec * 1000000 + now.tv_nsec / 1000;
}

int
main (int argc, char **argv)
{
    struct rusage used;
    int status, out;
    pid_t pid;

    if (argc < 3)
        return 2;
    out = atoi (argv[1]);
    pid = fork ();
    if (pid == 0) {
        dprintf (out, "{\"pid\": %d, \"exec_us\": %jd}\n", getpid (), (intmax_t)now_us ());
        close (out);
        execv (argv[2], argv + 2);
        _exit (127);
    }
    if (pid < 0 || wait4 (pid, &status, 0, &used) != pid)
        return 1;
    dprintf (out, "{\"status\": %d, \"peak_kib\": %ld}\n",
             WIFEXITED (status) ? WEXITSTATUS (status) : -WTERMSIG (status), used.ru_maxrss);
    return 0;
}
