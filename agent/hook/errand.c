/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "agent/hook/errand.h"

#include <fcntl.h>
#include <poll.h>
#include <string.h>
#include <unistd.h>

/* Longer than a bus waits for a service that it starts (25 s). */
#define LIFE_S 30

#define ANSWER_MAX 4096

static gboolean
leave_caller (void)
{
    int null = open ("/dev/null", O_RDWR | O_CLOEXEC);

    return null >= 0 && dup2 (null, STDIN_FILENO) >= 0 && dup2 (null, STDOUT_FILENO) >= 0 &&
           dup2 (null, STDERR_FILENO) >= 0;
}

/* Only the pipe stays open, in standard output's place. */
static void
leave_parent (int pipe)
{
    setsid ();
    alarm (LIFE_S);
    if (!leave_caller () || dup2 (pipe, STDOUT_FILENO) < 0)
        _exit (1);
    close_range (STDERR_FILENO + 1, ~0U, 0);
}

static G_NORETURN void
run_child (ErrandWork work, gpointer data, int pipe)
{
    char *text;
    gssize written = 0;

    leave_parent (pipe);
    text = work (data);
    if (text)
        written = write (STDOUT_FILENO, text, MIN (strlen (text), ANSWER_MAX - 1));
    _exit (written < 0);
}

static char *
await_answer (int pipe, guint wait_ms)
{
    struct pollfd input = { .fd = pipe, .events = POLLIN };
    char answer[ANSWER_MAX];
    gssize length = 0;

    if (poll (&input, 1, (int)wait_ms) > 0)
        length = read (pipe, answer, sizeof answer);
    return length > 0 ? g_strndup (answer, length) : NULL;
}

char *
errand_send (ErrandWork work, gpointer data, guint wait_ms)
{
    int ends[2];
    char *answer;
    pid_t child;

    /* The caller reads until nobody holds its pipes; when the child gets to run is not known. */
    if ((wait_ms == 0 && !leave_caller ()) || pipe2 (ends, O_CLOEXEC) < 0)
        return NULL;
    child = fork ();
    if (child == 0)
        run_child (work, data, ends[1]);
    close (ends[1]);
    answer = child > 0 ? await_answer (ends[0], wait_ms) : NULL;
    close (ends[0]);
    return answer;
}
