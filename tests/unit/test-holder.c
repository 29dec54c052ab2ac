/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "agent/host/holder.h"
#include "agent/host/proc.h"
#include "agent/host/tcp-sockets.h"
#include "tests/unit/check.h"

#include <gio/gunixsocketaddress.h>
#include <glib/gstdio.h>
#include <linux/netlink.h>
#include <linux/unix_diag.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <unistd.h>

/* A socket at a path of its own, as QEMU has one. */
typedef struct {
    char *folder, *path;
    int listener, client, accepted;
} Monitor;

static int
unix_socket (void)
{
    int fd = socket (AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);

    g_assert_cmpint (fd, >=, 0);
    return fd;
}

static int
call (int (*func) (int, const struct sockaddr *, socklen_t), int fd, const char *path)
{
    struct sockaddr_un address = { .sun_family = AF_UNIX };

    g_strlcpy (address.sun_path, path, sizeof address.sun_path);
    return func (fd, (const struct sockaddr *)&address, sizeof address);
}

static void
monitor_init (Monitor *self)
{
    *self = (Monitor){ .client = -1, .accepted = -1 };
    self->folder = g_dir_make_tmp ("qmpmig-holder-XXXXXX", NULL);
    self->path = g_build_filename (self->folder, "qmp", NULL);
    self->listener = unix_socket ();
    g_assert_cmpint (call (bind, self->listener, self->path), ==, 0);
    g_assert_cmpint (listen (self->listener, 1), ==, 0);
}

static void
monitor_connect (Monitor *self)
{
    self->client = unix_socket ();
    g_assert_cmpint (call (connect, self->client, self->path), ==, 0);
}

static void
close_if_open (int fd)
{
    if (fd >= 0)
        close (fd);
}

static void
monitor_clear (Monitor *self)
{
    close_if_open (self->listener);
    close_if_open (self->client);
    close_if_open (self->accepted);
    g_unlink (self->path);
    g_rmdir (self->folder);
    g_free (self->path);
    g_free (self->folder);
}

G_DEFINE_AUTO_CLEANUP_CLEAR_FUNC (Monitor, monitor_clear)

static gboolean
kernel_tells (void)
{
    g_autoptr (GPtrArray) sockets = unix_sockets_diag (NULL);

    if (!sockets)
        g_test_skip ("this kernel has no unix_diag");
    return sockets != NULL;
}

static void
test_free_then_held (void)
{
    g_auto (Monitor) monitor = { 0 };
    g_auto (Holder) before = { 0 }, waiting = { 0 }, held = { 0 };
    g_autofree char *who = NULL;

    monitor_init (&monitor);
    if (!kernel_tells ())
        return;
    holder_find (&before, monitor.path);
    g_assert_cmpint (before.hold, ==, HOLD_FREE);
    g_assert_cmpint (before.listener_pid, ==, getpid ());
    monitor_connect (&monitor);
    holder_find (&waiting, monitor.path);
    g_assert_cmpint (waiting.hold, ==, HOLD_FREE); /* waits, but nobody serves it */
    monitor.accepted = accept (monitor.listener, NULL, NULL);
    holder_find (&held, monitor.path);
    g_assert_cmpint (held.hold, ==, HOLD_HELD);
    g_assert_cmpint (held.client_pid, ==, getpid ());
    g_assert_cmpstr (held.client, ==, "test-holder");
    who = holder_describe (&held);
    check_words (who, "held by test-holder (pid *)");
}

static void
test_same_name_elsewhere (void)
{
    g_auto (Monitor) monitor = { 0 };
    g_auto (Holder) holder = { 0 };

    monitor_init (&monitor);
    monitor_connect (&monitor);
    monitor.accepted = accept (monitor.listener, NULL, NULL);
    /* A socket whose path is another file by now is not the one asked for. */
    g_assert_cmpint (g_unlink (monitor.path), ==, 0);
    g_assert_true (g_file_set_contents (monitor.path, "", 0, NULL));
    holder_find (&holder, monitor.path);
    g_assert_cmpint (holder.hold, ==, HOLD_UNKNOWN);
}

static void
test_no_such_socket (void)
{
    g_auto (Holder) holder = { 0 };

    holder_find (&holder, "/nowhere/qmp");
    g_assert_cmpint (holder.hold, ==, HOLD_UNKNOWN);
    g_assert_null (holder_describe (&holder));
}

static void
test_stopped (void)
{
    pid_t pid = fork ();
    int status;

    if (pid == 0)
        for (;;)
            pause ();
    g_assert_cmpint (pid, >, 0);
    kill (pid, SIGSTOP);
    g_assert_cmpint (waitpid (pid, &status, WUNTRACED), ==, pid);
    g_assert_cmpint (proc_state (pid), ==, 'T');
    kill (pid, SIGKILL);
    waitpid (pid, &status, 0);
    g_assert_cmpint (proc_state (pid), ==, 0);
}

static void
test_words (void)
{
    static const struct {
        Holder holder;
        const char *words;
    } cases[] = {
        { { .hold = HOLD_FREE }, NULL },
        { { .hold = HOLD_HELD }, "held by a program that we may not see*" },
        { { .hold = HOLD_HELD, .client_pid = 7 }, "held by a program (pid 7)" },
        { { .hold = HOLD_HELD, .client_pid = 7, .client = (char *)"libvirtd" },
          "held by libvirtd (pid 7)" },
        { { .hold = HOLD_HELD, .client_pid = 7, .listener_pid = 8, .listener_is_stopped = TRUE },
          "QEMU (pid 8) is stopped (state T)" },
    };

    for (guint i = 0; i < G_N_ELEMENTS (cases); i++) {
        g_autofree char *text = holder_describe (&cases[i].holder);

        g_assert_cmpint (text != NULL, ==, cases[i].words != NULL);
        if (text)
            check_words (text, cases[i].words);
    }
}

static void
test_state_text (void)
{
    static const struct {
        const char *stat;
        char state;
    } cases[] = {
        { "12 (qemu-system-x86) S 1 12", 'S' },
        { "12 (a) b) T 1 12", 'T' },
        { "12 (a", 0 },
        { "12 (a)", 0 },
        { "", 0 },
    };

    for (guint i = 0; i < G_N_ELEMENTS (cases); i++)
        g_assert_cmpint (proc_parse_state (cases[i].stat), ==, cases[i].state);
}

static void
test_proc_net_unix (void)
{
    static const struct {
        const char *line;
        gboolean is_listening, is_connected;
        guint inode;
        const char *name;
    } cases[] = {
        { "000000001a: 00000002 00000000 00010000 0001 01 34469 /tmp/a b.sock", TRUE, FALSE, 34469,
          "/tmp/a b.sock" },
        { "000000001a: 00000003 00000000 00000000 0001 03    21", FALSE, TRUE, 21, NULL },
        { "000000001a: 00000003 00000000 00000000 0001 03    21 /x", FALSE, TRUE, 21, "/x" },
    };
    static const char *const bad[] = { "",
                                       "Num       RefCount Protocol Flags    Type St Inode Path",
                                       "1a: 2 0" };

    for (guint i = 0; i < G_N_ELEMENTS (cases); i++) {
        g_autoptr (GPtrArray) sockets = unix_sockets_new ();
        UnixSocket *socket = unix_socket_parse_line (cases[i].line);

        g_assert_nonnull (socket);
        g_ptr_array_add (sockets, socket);
        g_assert_cmpint (socket->is_listening, ==, cases[i].is_listening);
        g_assert_cmpint (socket->is_connected, ==, cases[i].is_connected);
        g_assert_cmpuint (socket->inode, ==, cases[i].inode);
        g_assert_cmpstr (socket->name, ==, cases[i].name);
    }
    for (guint i = 0; i < G_N_ELEMENTS (bad); i++)
        g_assert_null (unix_socket_parse_line (bad[i]));
}

/* Attributes that claim more than there is must not be read. */
static void
test_diag_is_bounded (void)
{
    g_autoptr (GPtrArray) sockets = unix_sockets_new ();
    struct {
        struct nlmsghdr header;
        struct unix_diag_msg body;
        struct nlattr attribute;
        char data[8];
    } message = {
        .header = { .nlmsg_len = sizeof message, .nlmsg_type = 20 },
        .body = { .udiag_state = 10, .udiag_ino = 5 },
        .attribute = { .nla_len = 4096, .nla_type = UNIX_DIAG_NAME },
    };
    struct nlmsghdr done = { .nlmsg_len = sizeof done, .nlmsg_type = NLMSG_DONE };

    g_assert_true (unix_sockets_parse_diag (sockets, &message, sizeof message));
    g_assert_cmpuint (sockets->len, ==, 1);
    g_assert_null (((UnixSocket *)g_ptr_array_index (sockets, 0))->name);
    message.header.nlmsg_len = 4096; /* more than was read */
    g_assert_true (unix_sockets_parse_diag (sockets, &message, sizeof message));
    g_assert_cmpuint (sockets->len, ==, 1);
    g_assert_false (unix_sockets_parse_diag (sockets, &done, sizeof done));
    g_assert_false (unix_sockets_parse_diag (sockets, &message, 0));
}

static void
test_tcp (void)
{
    static const char *const lines[] = {
        "  0: 0100007F:B18E 00000000:0000 0A 00000000:00000000 00:00000000 00000000     0        0 "
        "100 1 0",
        "  1: 0100007F:B18E 0100007F:D431 01 00000000:00000000 00:00000000 00000000     0        0 "
        "101 1 0",
        "  2: 0100007F:D431 0100007F:B18E 01 00000000:00000000 00:00000000 00000000     0        0 "
        "102 1 0",
    };
    g_autoptr (GArray) sockets = g_array_new (FALSE, FALSE, sizeof (TcpSocket));
    g_auto (Holder) free_one = { 0 }, held = { 0 }, other = { 0 };
    TcpSocket socket;

    g_assert_false (tcp_socket_parse_line (&socket, "  sl  local_address rem_address   st"));
    g_assert_true (tcp_socket_parse_line (&socket, lines[0]));
    g_array_append_val (sockets, socket);
    holder_match_tcp (&free_one, sockets, 45454);
    g_assert_cmpint (free_one.hold, ==, HOLD_FREE);
    for (guint i = 1; i < G_N_ELEMENTS (lines); i++) {
        g_assert_true (tcp_socket_parse_line (&socket, lines[i]));
        g_array_append_val (sockets, socket);
    }
    holder_match_tcp (&held, sockets, 45454);
    g_assert_cmpint (held.hold, ==, HOLD_HELD);
    g_assert_cmpuint (held.client_inode, ==, 102);
    holder_match_tcp (&other, sockets, 1);
    g_assert_cmpint (other.hold, ==, HOLD_UNKNOWN);
}

int
main (int argc, char **argv)
{
    g_test_init (&argc, &argv, NULL);
    check_add ("/holder/a-socket-is-free-until-a-client-is-served", test_free_then_held);
    check_add ("/holder/a-path-that-was-replaced-is-another-socket", test_same_name_elsewhere);
    check_add ("/holder/nothing-is-known-of-what-is-not-there", test_no_such_socket);
    check_add ("/holder/a-stopped-process-is-recognised", test_stopped);
    check_add ("/holder/who-holds-it-is-said-as-far-as-it-is-known", test_words);
    check_add ("/holder/a-process-may-have-brackets-in-its-name", test_state_text);
    check_add ("/holder/proc-net-unix-is-read-line-by-line", test_proc_net_unix);
    check_add ("/holder/an-answer-of-the-kernel-is-read-within-its-bounds", test_diag_is_bounded);
    check_add ("/holder/the-client-of-a-port-is-the-crossed-connection", test_tcp);
    return g_test_run ();
}
