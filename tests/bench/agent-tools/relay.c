/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* relay LISTEN TARGET LOG: stands between a client and a monitor, one client at a time, and notes when
 * each piece arrived and what it was. A record of the log: time (ns, CLOCK_MONOTONIC), direction (0 from
 * the client, 1 from the target), length, bytes. Prints "ready" once it listens. */
#include <poll.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <time.h>
#include <unistd.h>

static int64_t
now_ns (void)
{
    struct timespec now;

    clock_gettime (CLOCK_MONOTONIC, &now);
    return (int64_t)now.tv_sec * 1000000000 + now.tv_nsec;
}

static int
address_of (const char *path, struct sockaddr_un *address)
{
    memset (address, 0, sizeof *address);
    address->sun_family = AF_UNIX;
    if (strlen (path) >= sizeof address->sun_path)
        return -1;
    strcpy (address->sun_path, path);
    return socket (AF_UNIX, SOCK_STREAM, 0);
}

/* One piece from IN to OUT; 0 when there are no more. */
static int
pass (int in, int out, uint32_t direction, FILE *log)
{
    static char bytes[65536];
    ssize_t got = read (in, bytes, sizeof bytes);
    int64_t when = now_ns ();
    uint32_t head[2] = { direction, (uint32_t)got };

    if (got <= 0)
        return 0;
    for (ssize_t sent = 0, more; sent < got; sent += more) {
        more = write (out, bytes + sent, (size_t)(got - sent));
        if (more <= 0)
            return 0;
    }
    fwrite (&when, sizeof when, 1, log);
    fwrite (head, sizeof head, 1, log);
    fwrite (bytes, (size_t)got, 1, log);
    return 1;
}

static void
serve (int client, int target, FILE *log)
{
    struct pollfd fds[2] = { { .fd = client, .events = POLLIN }, { .fd = target, .events = POLLIN } };

    while (poll (fds, 2, -1) > 0)
        for (uint32_t i = 0; i < 2; i++)
            if (fds[i].revents && !pass (fds[i].fd, fds[1 - i].fd, i, log))
                return;
}

int
main (int argc, char **argv)
{
    struct sockaddr_un here, there;
    FILE *log = argc == 4 ? fopen (argv[3], "wb") : NULL;
    int listener = argc == 4 ? address_of (argv[1], &here) : -1;

    if (!log || listener < 0 || bind (listener, (struct sockaddr *)&here, sizeof here) < 0 ||
        listen (listener, 4) < 0)
        return 1;
    puts ("ready");
    fflush (stdout);
    for (;;) {
        int client = accept (listener, NULL, NULL);
        int target = address_of (argv[2], &there);

        if (client < 0 || target < 0 || connect (target, (struct sockaddr *)&there, sizeof there) < 0)
            return 1;
        serve (client, target, log);
        fflush (log);
        close (client);
        close (target);
    }
}
