/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "agent/control-socket.h"

#include <errno.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "agent/exit-code.h"

/* How long to knock where the queue of callers is full. */
#define KNOCK_TIMEOUT_US (2 * G_USEC_PER_SEC)
#define KNOCK_RETRY_US   (10 * 1000)

struct ControlClient {
    ControlFd fd;
    pid_t pid;
    QmpReader *reader;
};

/* No qmpmig of ours is there, which is no error: where we may not look, none of ours listens. */
static gboolean
is_absence (int reason)
{
    return reason == ENOENT || reason == ECONNREFUSED || reason == ENOTDIR || reason == EACCES;
}

/* Root's session folders belong to users: only their owner may answer for them. */
static gboolean
server_is_trusted (const char *path, uid_t uid)
{
    struct stat at;

    return control_uid_is_trusted (geteuid (), uid) ||
           (geteuid () == 0 && lstat (path, &at) == 0 && at.st_uid == uid);
}

static ControlClient *
client_new (const char *path, ControlFd *fd, GError **error)
{
    ControlClient *self;
    uid_t uid;
    pid_t pid;

    if (!control_peer (*fd, &uid, &pid) || !server_is_trusted (path, uid)) {
        control_fail (error, EXIT_UNREACHABLE, "%s: a process of another user listens there", path);
        return NULL;
    }
    self = g_new (ControlClient, 1);
    *self = (ControlClient){
        .fd = g_steal_fd (fd),
        .pid = pid,
        .reader = qmp_reader_new (QMP_MESSAGE_MAX_BYTES, QMP_MESSAGE_MAX_DEPTH),
    };
    return self;
}

static int
knock (const char *path)
{
    gint64 deadline_us = g_get_monotonic_time () + KNOCK_TIMEOUT_US;
    int fd;

    while ((fd = control_connect (path)) < 0 && errno == EAGAIN &&
           g_get_monotonic_time () < deadline_us)
        g_usleep (KNOCK_RETRY_US);
    return fd;
}

ControlClient *
control_client_open (const QmpAddress *monitor, GError **error)
{
    g_auto (GStrv) paths = control_candidates (monitor, error);

    for (char **path = paths; path && *path; path++) {
        g_auto (ControlFd) fd = knock (*path);

        if (fd >= 0)
            return client_new (*path, &fd, error);
        if (!is_absence (errno)) {
            control_fail (error, EXIT_UNREACHABLE, "%s: %s", *path, g_strerror (errno));
            return NULL;
        }
    }
    return NULL;
}

void
control_client_close (ControlClient *self)
{
    if (!self)
        return;
    control_fd_close (self->fd);
    qmp_reader_free (self->reader);
    g_free (self);
}

pid_t
control_client_pid (ControlClient *self)
{
    return self->pid;
}

static gint64
deadline_of (gint64 timeout_us)
{
    return timeout_us < 0 ? G_MAXINT64 : g_get_monotonic_time () + timeout_us;
}

/* Waits for CONDITION; FALSE at the deadline. */
static gboolean
wait_for (ControlClient *self, GIOCondition condition, gint64 deadline_us)
{
    GPollFD polled = { .fd = self->fd, .events = condition };

    for (;;) {
        gint64 left_us = deadline_us - g_get_monotonic_time ();
        gint timeout_ms = deadline_us == G_MAXINT64 ? -1 : (gint)MIN (left_us / 1000 + 1, G_MAXINT);

        if (left_us <= 0)
            return FALSE;
        if (g_poll (&polled, 1, timeout_ms) > 0)
            return TRUE;
    }
}

static gboolean
fail_silent (ControlClient *self, GError **error)
{
    return control_fail (error, EXIT_UNREACHABLE,
                         "qmpmig (pid %d), which steers this migration, does not answer",
                         (int)self->pid);
}

static gboolean
send_text (ControlClient *self, const char *text, gint64 deadline_us, GError **error)
{
    gsize length = strlen (text);
    gsize sent = 0;

    while (sent < length) {
        ssize_t now = send (self->fd, text + sent, length - sent, MSG_NOSIGNAL | MSG_DONTWAIT);

        if (now >= 0)
            sent += (gsize)now;
        else if (errno == EPIPE || errno == ECONNRESET)
            return TRUE; /* it may have said why before it hung up */
        else if (errno != EAGAIN && errno != EINTR)
            return control_fail (error, EXIT_UNREACHABLE, "qmpmig (pid %d): %s", (int)self->pid,
                                 g_strerror (errno));
        else if (!wait_for (self, G_IO_OUT, deadline_us))
            return fail_silent (self, error);
    }
    return TRUE;
}

/* One read. FALSE at the end of file too, without an error. */
static gboolean
receive (ControlClient *self, gint64 deadline_us, GError **error)
{
    char buffer[16 * 1024];
    ssize_t got;

    if (!wait_for (self, G_IO_IN, deadline_us))
        return fail_silent (self, error);
    got = recv (self->fd, buffer, sizeof buffer, MSG_DONTWAIT);
    if (got > 0)
        qmp_reader_feed (self->reader, buffer, (gsize)got);
    return got > 0 || (got < 0 && (errno == EAGAIN || errno == EINTR));
}

static json_object *
next_line (ControlClient *self, gint64 deadline_us, GError **error)
{
    json_object *line = NULL;

    do {
        if (!qmp_reader_next (self->reader, &line, error)) {
            g_prefix_error (error, "qmpmig (pid %d): ", (int)self->pid);
            return NULL;
        }
    } while (!line && receive (self, deadline_us, error));
    return line;
}

static json_object *
unwrap (json_object *answer, GError **error)
{
    const char *text = qmp_peek_string (answer, "error", NULL);
    json_object *value = qmp_peek (answer, "return");

    if (value)
        return json_object_get (value);
    control_fail (error, (int)qmp_peek_uint (answer, "exit_code", EXIT_INTERNAL), "%s",
                  text ? text : "the qmpmig that steers gave no answer that we understand");
    return NULL;
}

json_object *
control_client_call (ControlClient *self, const char *command, json_object *arguments,
                     gint64 timeout_us, GError **error)
{
    g_autoptr (json_object) request =
        qmp_object ("command", json_object_new_string (command), "arguments",
                    arguments ? arguments : json_object_new_object (), NULL);
    g_autofree char *text =
        g_strconcat (json_object_to_json_string_ext (request, JSON_C_TO_STRING_PLAIN), "\n", NULL);
    gint64 deadline_us = deadline_of (timeout_us);
    g_autoptr (GError) local = NULL;
    g_autoptr (json_object) answer = NULL;

    if (send_text (self, text, deadline_us, &local))
        answer = next_line (self, deadline_us, &local);
    if (answer)
        return unwrap (answer, error);
    if (!local)
        control_fail (&local, EXIT_UNREACHABLE,
                      "qmpmig (pid %d), which steered this migration, has ended", (int)self->pid);
    g_propagate_error (error, g_steal_pointer (&local));
    return NULL;
}

json_object *
control_client_next (ControlClient *self, gint64 timeout_us, GError **error)
{
    return next_line (self, deadline_of (timeout_us), error);
}
