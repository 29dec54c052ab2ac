/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "agent/steering/policy-exec-child.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include "agent/steering/policy-internal.h"

#define MAX_LINE    65536
#define MAX_UNREAD  262144 /* between two things that it is told */
#define MAX_WORDS   65536  /* on stderr, likewise */
#define GRACE_US    500000
#define GRACE_STEPS 100

typedef struct {
    int fd; /* -1: closed */
    GString *text;
    gsize read_bytes; /* since it was told something */
} Pipe;

struct ExecChild {
    GPid pid;
    int in; /* a socket: a write to a pipe that nobody reads would be a signal */
    Pipe out, words;
};

static gboolean
fail (GError **error, const char *text)
{
    return policy_fail (error, EXIT_INTERNAL, "%s", text);
}

/* --- start and end --------------------------------------------------------------------------- */

/* Between fork and exec. */
static void
set_up (gpointer unused)
{
    sigset_t none;

    setsid ();
    prctl (PR_SET_PDEATHSIG, SIGKILL);
    signal (SIGPIPE, SIG_DFL);
    sigemptyset (&none);
    sigprocmask (SIG_SETMASK, &none, NULL);
}

static void
pipe_init (Pipe *self, int fd)
{
    fcntl (fd, F_SETFL, fcntl (fd, F_GETFL) | O_NONBLOCK);
    *self = (Pipe){ .fd = fd, .text = g_string_new (NULL) };
}

static void
pipe_clear (Pipe *self)
{
    if (self->fd >= 0)
        close (self->fd);
    g_string_free (self->text, TRUE);
}

ExecChild *
exec_child_start (char **argv, GError **error)
{
    int in[2], out = -1, words = -1;
    g_autoptr (GError) why = NULL;
    ExecChild *self;
    GPid pid;
    gboolean ok;

    if (socketpair (AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, in) < 0) {
        fail (error, g_strerror (errno));
        return NULL;
    }
    ok = g_spawn_async_with_pipes_and_fds (NULL, (const char *const *)argv, NULL,
                                           G_SPAWN_DO_NOT_REAP_CHILD, set_up, NULL, in[1], -1, -1,
                                           NULL, NULL, 0, &pid, NULL, &out, &words, &why);
    close (in[1]);
    if (!ok) {
        close (in[0]);
        fail (error, why->message);
        return NULL;
    }
    self = g_new0 (ExecChild, 1);
    self->pid = pid;
    self->in = in[0];
    pipe_init (&self->out, out);
    pipe_init (&self->words, words);
    return self;
}

static gboolean
has_ended (const ExecChild *self)
{
    siginfo_t info = { 0 };

    return waitid (P_PID, (id_t)self->pid, &info, WEXITED | WNOHANG | WNOWAIT) != 0 || info.si_pid;
}

void
exec_child_end (ExecChild *self, gboolean patiently)
{
    if (!self)
        return;
    shutdown (self->in, SHUT_WR);
    for (guint i = 0; patiently && i < GRACE_STEPS && !has_ended (self); i++)
        g_usleep (GRACE_US / GRACE_STEPS);
    /* Before it is reaped, so that the group cannot be somebody else's by now. */
    kill (-self->pid, SIGKILL);
    while (waitpid (self->pid, NULL, 0) < 0 && errno == EINTR)
        ;
    close (self->in);
    pipe_clear (&self->out);
    pipe_clear (&self->words);
    g_free (self);
}

/* --- lines ----------------------------------------------------------------------------------- */

/* Takes what is there, without waiting. */
static void
pipe_fill (Pipe *self)
{
    char bytes[4096];
    gssize length = read (self->fd, bytes, sizeof bytes);

    if (length > 0) {
        g_string_append_len (self->text, bytes, length);
        self->read_bytes += (gsize)length;
    } else if (length == 0 || (errno != EAGAIN && errno != EINTR)) {
        close (self->fd);
        self->fd = -1;
    }
}

static char *
pipe_take_line (Pipe *self)
{
    const char *end = memchr (self->text->str, '\n', self->text->len);
    gsize length = end ? (gsize)(end - self->text->str) : 0;
    char *line;

    if (!end)
        return NULL;
    line = g_strndup (self->text->str, length);
    g_string_erase (self->text, 0, (gssize)length + 1);
    return line;
}

static int
ms_until (gint64 until_us)
{
    gint64 left_us = until_us - g_get_monotonic_time ();

    return left_us > 0 ? (int)((left_us + 999) / 1000) : 0;
}

/* FALSE: the time is over. */
static gboolean
wait_for (ExecChild *self, short events_in, gint64 until_us)
{
    struct pollfd fds[] = {
        { events_in ? self->in : -1, events_in, 0 },
        { events_in ? -1 : self->out.fd, POLLIN, 0 },
        { self->words.read_bytes < MAX_WORDS ? self->words.fd : -1, POLLIN, 0 },
    };
    int ready = poll (fds, G_N_ELEMENTS (fds), ms_until (until_us));

    if (ready > 0 && fds[1].revents)
        pipe_fill (&self->out);
    if (ready > 0 && fds[2].revents)
        pipe_fill (&self->words);
    return ready != 0;
}

gboolean
exec_child_send (ExecChild *self, const char *line, gint64 until_us, GError **error)
{
    gsize left = strlen (line);

    self->out.read_bytes = self->words.read_bytes = 0;
    while (left > 0) {
        gssize sent = send (self->in, line, left, MSG_NOSIGNAL | MSG_DONTWAIT);

        if (sent > 0) {
            line += sent;
            left -= (gsize)sent;
        } else if (sent < 0 && errno == EAGAIN) {
            if (!wait_for (self, POLLOUT, until_us))
                return fail (error, "it does not read what it is told");
        } else if (sent < 0 && errno != EINTR) {
            return fail (error, "it has ended");
        }
    }
    return TRUE;
}

char *
exec_child_take_line (ExecChild *self, gint64 until_us, GError **error)
{
    char *line;

    while (!(line = pipe_take_line (&self->out))) {
        if (self->out.text->len > MAX_LINE) {
            fail (error, "it writes a line of more than 64 KiB");
            return NULL;
        }
        if (self->out.fd < 0) {
            fail (error, "it has ended");
            return NULL;
        }
        if (wait_for (self, 0, until_us))
            continue;
        if (has_ended (self)) /* and something that it started holds its output */
            fail (error, "it has ended");
        return NULL;
    }
    if (self->out.read_bytes <= MAX_UNREAD)
        return line;
    g_free (line);
    fail (error, "it writes more than 256 KiB for one sample");
    return NULL;
}

char *
exec_child_take_complaint (ExecChild *self)
{
    char *line;

    if (self->words.fd >= 0 && self->words.read_bytes < MAX_WORDS)
        pipe_fill (&self->words);
    line = pipe_take_line (&self->words);
    if (!line && self->words.text->len > MAX_LINE)
        g_string_truncate (self->words.text, 0);
    return line;
}
