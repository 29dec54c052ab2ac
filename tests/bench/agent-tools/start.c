/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* start FD COMMAND...: runs it and tells on descriptor FD what the kernel says: pid and time of the exec
 * as soon as it starts, what it cost when it has ended. Small, so that the peak of its own memory, which
 * a child begins with, is never more than that of what it runs. */
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

static int64_t
now_ns (void)
{
    struct timespec now;

    clock_gettime (CLOCK_MONOTONIC, &now);
    return (int64_t)now.tv_sec * 1000000000 + now.tv_nsec;
}

static int64_t
us (struct timeval time)
{
    return (int64_t)time.tv_sec * 1000000 + time.tv_usec;
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
        dprintf (out, "{\"pid\": %d, \"exec_ns\": %jd}\n", getpid (), (intmax_t)now_ns ());
        close (out);
        execv (argv[2], argv + 2);
        _exit (127);
    }
    if (pid < 0 || wait4 (pid, &status, 0, &used) != pid)
        return 1;
    dprintf (out, "{\"end_ns\": %jd, \"status\": %d, \"peak_kib\": %ld, \"cpu_us\": %jd}\n",
             (intmax_t)now_ns (), WIFEXITED (status) ? WEXITSTATUS (status) : -WTERMSIG (status),
             used.ru_maxrss, (intmax_t)(us (used.ru_utime) + us (used.ru_stime)));
    return 0;
}
