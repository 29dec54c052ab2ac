/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "qmp/address.h"
#include "qmp/error.h"
#include "tests/unit/check.h"

#include <gio/gunixsocketaddress.h>
#include <glib/gstdio.h>
#include <netinet/in.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>

#define SHORT_US (100 * 1000)
#define LONG_US  (10 * G_USEC_PER_SEC)

static void
test_unix (void)
{
    static const char *const texts[] = { "/run/x.sock", "unix:/run/x.sock" };

    for (gsize i = 0; i < G_N_ELEMENTS (texts); i++) {
        g_autoptr (QmpAddress) address = qmp_address_parse (texts[i], NULL);

        g_assert_cmpint (address->kind, ==, QMP_ADDRESS_UNIX);
        g_assert_cmpstr (address->path, ==, "/run/x.sock");
        g_assert_cmpstr (address->text, ==, "unix:/run/x.sock");
    }
}

static void
test_relative (void)
{
    static const char *const texts[] = { "x.sock", "./x.sock", "unix:x.sock", "unix:././x.sock" };
    g_autofree char *here = g_get_current_dir ();
    g_autofree char *path = g_build_filename (here, "x.sock", NULL);

    for (gsize i = 0; i < G_N_ELEMENTS (texts); i++) {
        g_autoptr (QmpAddress) address = qmp_address_parse (texts[i], NULL);

        g_assert_cmpstr (address->path, ==, path);
    }
}

static void
test_tcp (void)
{
    static const struct {
        const char *text, *host;
        guint16 port;
        const char *canonical;
    } cases[] = {
        { "tcp:host.example:4444", "host.example", 4444, "tcp:host.example:4444" },
        { "tcp:10.0.0.1:1", "10.0.0.1", 1, "tcp:10.0.0.1:1" },
        { "tcp:[::1]:65535", "::1", 65535, "tcp:[::1]:65535" },
        { "tcp:[fe80::1%eth0]:99", "fe80::1%eth0", 99, "tcp:[fe80::1%eth0]:99" },
        { "tcp:[host]:0099", "host", 99, "tcp:host:99" },
    };

    for (gsize i = 0; i < G_N_ELEMENTS (cases); i++) {
        g_autoptr (QmpAddress) address = qmp_address_parse (cases[i].text, NULL);

        g_assert_cmpint (address->kind, ==, QMP_ADDRESS_TCP);
        g_assert_cmpstr (address->host, ==, cases[i].host);
        g_assert_cmpuint (address->port, ==, cases[i].port);
        g_assert_cmpstr (address->text, ==, cases[i].canonical);
    }
}

static void
test_malformed (void)
{
    static const struct {
        const char *text, *words;
    } cases[] = {
        { "", "no path given*" },
        { "unix:", "no path given*" },
        { "tcp:", "*is not HOST:PORT*" },
        { "tcp:host", "*is not HOST:PORT*" },
        { "tcp:host:", "\"\" is not a port*" },
        { "tcp:host:http", "\"http\" is not a port*" },
        { "tcp:host:65536", "\"65536\" is not a port*" },
        { "tcp:host:-1", "\"-1\" is not a port*" },
        { "tcp:host:+1", "\"+1\" is not a port*" },
        { "tcp:host:1 ", "\"1 \" is not a port*" },
        { "tcp:host:0", "*lacks a host or a port*" },
        { "tcp::4444", "*lacks a host or a port*" },
        { "tcp:::1:4444", "*an IPv6 address goes in brackets*" },
        { "tcp:[::1]", "*is not HOST:PORT*" },
        { "tcp:[::1:4444", "*is not HOST:PORT*" },
        { "tcp:[::1]4444", "*is not HOST:PORT*" },
        { "tcp:[]:4444", "*lacks a host or a port*" },
    };

    for (gsize i = 0; i < G_N_ELEMENTS (cases); i++) {
        g_autoptr (GError) error = NULL;

        g_test_message ("%s", cases[i].text);
        g_assert_null (qmp_address_parse (cases[i].text, &error));
        check_error (error, QMP_ERROR_ADDRESS, cases[i].words);
    }
}

static void
test_split (void)
{
    g_autofree char *host = NULL;
    guint16 port = 7;

    g_assert_true (qmp_address_split_host_port (":0", &host, &port, NULL));
    g_assert_cmpstr (host, ==, "");
    g_assert_cmpuint (port, ==, 0);
}

static void
test_split_failure (void)
{
    char *host = NULL;
    guint16 port = 7;

    g_assert_false (qmp_address_split_host_port ("host:x", &host, &port, NULL));
    g_assert_null (host);
    g_assert_cmpuint (port, ==, 7);
}

static void
expect_equal (const char *a_text, const char *b_text, gboolean expected)
{
    g_autoptr (QmpAddress) a = qmp_address_parse (a_text, NULL);
    g_autoptr (QmpAddress) b = qmp_address_parse (b_text, NULL);

    g_test_message ("%s and %s", a_text, b_text);
    g_assert_cmpint (qmp_address_equal (a, b), ==, expected);
    g_assert_cmpint (qmp_address_equal (b, a), ==, expected);
}

static void
test_equal (void)
{
    expect_equal ("/nosuch/x", "unix:/nosuch/x", TRUE);
    expect_equal ("/nosuch/x", "/nosuch/y", FALSE);
    expect_equal ("tcp:localhost:1", "tcp:127.0.0.1:1", TRUE);
    expect_equal ("tcp:[::1]:1", "tcp:127.0.0.1:1", TRUE);
    expect_equal ("tcp:Host:1", "tcp:hOST:1", TRUE);
    expect_equal ("tcp:host:1", "tcp:host:2", FALSE);
    expect_equal ("tcp:host:1", "tcp:other:1", FALSE);
    expect_equal ("tcp:localhost:1", "/nosuch/localhost:1", FALSE);
}

/* A directory with a listening socket in it, backlog 0. */
typedef struct {
    char *directory;
    char *path;
    int listener;
} Nest;

static void
nest_make (Nest *nest, const char *name)
{
    g_autofree char *here = g_get_current_dir ();
    g_autoptr (GSocketAddress) address = g_unix_socket_address_new (name);
    char native[256];

    nest->directory = g_dir_make_tmp ("qmpmig-test-XXXXXX", NULL);
    nest->path = g_build_filename (nest->directory, name, NULL);
    nest->listener = socket (AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
    g_assert_true (g_socket_address_to_native (address, native, sizeof native, NULL));
    g_assert_no_errno (g_chdir (nest->directory));
    g_assert_no_errno (bind (nest->listener, (struct sockaddr *)native,
                             (socklen_t)g_socket_address_get_native_size (address)));
    g_assert_no_errno (listen (nest->listener, 0));
    g_assert_no_errno (g_chdir (here));
}

static void
nest_clear (Nest *nest)
{
    if (!nest->directory)
        return;
    if (nest->listener >= 0)
        close (nest->listener);
    g_unlink (nest->path);
    g_rmdir (nest->directory);
    g_free (nest->path);
    g_free (nest->directory);
}

G_DEFINE_AUTO_CLEANUP_CLEAR_FUNC (Nest, nest_clear)

static GSocket *
connect_to (const char *text, gint64 timeout_us, GCancellable *cancel, GError **error)
{
    g_autoptr (QmpAddress) address = qmp_address_parse (text, NULL);

    return qmp_address_connect (address, timeout_us, cancel, error);
}

static void
test_same_file (void)
{
    g_auto (Nest) nest = { 0 };
    g_autofree char *other = NULL;

    nest_make (&nest, "x.sock");
    other = g_build_filename (nest.directory, ".", "x.sock", NULL);
    expect_equal (nest.path, other, TRUE);
}

static void
test_connect (void)
{
    g_auto (Nest) nest = { 0 };
    g_autoptr (GSocket) socket = NULL;
    g_autoptr (GError) error = NULL;

    nest_make (&nest, "x.sock");
    socket = connect_to (nest.path, LONG_US, NULL, &error);
    g_assert_no_error (error);
    g_assert_false (g_socket_get_blocking (socket));
}

static void
test_long_path (void)
{
    g_auto (Nest) nest = { 0 };
    g_autofree char *name = g_strnfill (86, 'n');
    g_autoptr (GSocket) socket = NULL;
    g_autoptr (GError) error = NULL;

    nest_make (&nest, name);
    g_assert_cmpuint (strlen (nest.path), >, 108);
    socket = connect_to (nest.path, LONG_US, NULL, &error);
    g_assert_no_error (error);
    g_assert_nonnull (socket);
}

static void
test_no_socket (void)
{
    g_autofree char *far = g_strdup_printf ("/nosuch/%0150d", 1);
    g_autoptr (GError) error = NULL;

    g_assert_null (connect_to ("/nosuch/x.sock", LONG_US, NULL, &error));
    check_error (error, QMP_ERROR_UNREACHABLE, "no such socket: /nosuch/x.sock");
    g_assert_null (connect_to (far, LONG_US, NULL, &error));
    check_error (error, QMP_ERROR_UNREACHABLE, "no such socket: /nosuch/0*");
}

static void
test_stale_socket (void)
{
    g_auto (Nest) nest = { 0 };
    g_autoptr (GError) error = NULL;

    nest_make (&nest, "x.sock");
    close (nest.listener);
    nest.listener = -1;
    g_assert_null (connect_to (nest.path, LONG_US, NULL, &error));
    check_error (error, QMP_ERROR_UNREACHABLE, "nobody listens on */x.sock: has its QEMU ended?");
}

static void
test_no_permission (void)
{
    g_auto (Nest) nest = { 0 };
    g_autoptr (GError) error = NULL;

    if (geteuid () == 0) {
        g_test_skip ("root may connect to anything");
        return;
    }
    nest_make (&nest, "x.sock");
    g_assert_no_errno (chmod (nest.path, 0));
    g_assert_null (connect_to (nest.path, LONG_US, NULL, &error));
    check_error (error, QMP_ERROR_UNREACHABLE, "cannot connect to unix:*: Permission denied");
}

static void
test_full_backlog (void)
{
    g_auto (Nest) nest = { 0 };
    g_autoptr (GSocket) first = NULL;
    g_autoptr (GError) error = NULL;
    gint64 start_us;

    nest_make (&nest, "x.sock");
    first = connect_to (nest.path, LONG_US, NULL, NULL);
    start_us = g_get_monotonic_time ();
    g_assert_null (connect_to (nest.path, SHORT_US, NULL, &error));
    check_error (error, QMP_ERROR_HELD, "*takes no further connection*");
    g_assert_cmpint (g_get_monotonic_time () - start_us, >=, SHORT_US);
}

static gpointer
accept_later (gpointer data)
{
    const Nest *nest = data;

    g_usleep (SHORT_US);
    close (accept (nest->listener, NULL, NULL));
    return NULL;
}

static void
test_backlog_with_room_again (void)
{
    g_auto (Nest) nest = { 0 };
    g_autoptr (GSocket) first = NULL;
    g_autoptr (GSocket) second = NULL;
    g_autoptr (GError) error = NULL;
    GThread *thread;

    nest_make (&nest, "x.sock");
    first = connect_to (nest.path, LONG_US, NULL, NULL);
    thread = g_thread_new ("accept", accept_later, &nest);
    second = connect_to (nest.path, LONG_US, NULL, &error);
    g_thread_join (thread);
    g_assert_no_error (error);
    g_assert_nonnull (second);
}

static gpointer
cancel_later (gpointer data)
{
    g_usleep (SHORT_US);
    g_cancellable_cancel (data);
    return NULL;
}

static void
test_cancel (void)
{
    g_auto (Nest) nest = { 0 };
    g_autoptr (GCancellable) cancel = g_cancellable_new ();
    g_autoptr (GSocket) first = NULL;
    g_autoptr (GError) error = NULL;
    GThread *thread;

    nest_make (&nest, "x.sock");
    first = connect_to (nest.path, LONG_US, NULL, NULL);
    thread = g_thread_new ("cancel", cancel_later, cancel);
    g_assert_null (connect_to (nest.path, LONG_US, cancel, &error));
    g_thread_join (thread);
    check_error (error, QMP_ERROR_CANCELLED, "cancelled while connecting to unix:*");
    g_assert_null (connect_to (nest.path, LONG_US, cancel, &error));
    check_error (error, QMP_ERROR_CANCELLED, "cancelled while connecting to unix:*");
}

static int
listen_tcp (guint16 *ret_port)
{
    struct sockaddr_in name = { .sin_family = AF_INET,
                                .sin_addr.s_addr = g_htonl (INADDR_LOOPBACK) };
    socklen_t length = sizeof name;
    int listener = socket (AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);

    g_assert_no_errno (bind (listener, (struct sockaddr *)&name, sizeof name));
    g_assert_no_errno (listen (listener, 4));
    g_assert_no_errno (getsockname (listener, (struct sockaddr *)&name, &length));
    *ret_port = g_ntohs (name.sin_port);
    return listener;
}

static void
test_connect_tcp (void)
{
    static const char *const hosts[] = { "127.0.0.1", "localhost" };
    guint16 port;
    int listener = listen_tcp (&port);

    for (gsize i = 0; i < G_N_ELEMENTS (hosts); i++) {
        g_autofree char *text = g_strdup_printf ("tcp:%s:%u", hosts[i], port);
        g_autoptr (GError) error = NULL;
        g_autoptr (GSocket) socket = connect_to (text, LONG_US, NULL, &error);

        g_assert_no_error (error);
        g_assert_false (g_socket_get_blocking (socket));
    }
    close (listener);
}

static void
test_refused_tcp (void)
{
    g_autofree char *text = NULL;
    g_autoptr (GError) error = NULL;
    guint16 port;

    close (listen_tcp (&port));
    text = g_strdup_printf ("tcp:127.0.0.1:%u", port);
    g_assert_null (connect_to (text, LONG_US, NULL, &error));
    check_error (error, QMP_ERROR_UNREACHABLE,
                 "cannot connect to tcp:127.0.0.1:*: Connection refused");
}

/* .invalid is never given to anyone; what the resolver says of it, and how soon, differs. */
static void
test_unknown_name (void)
{
    g_autoptr (GError) error = NULL;

    g_assert_null (connect_to ("tcp:nobody.invalid:4444", LONG_US / 2, NULL, &error));
    if (!g_error_matches (error, QMP_ERROR, QMP_ERROR_TIMEOUT))
        check_error (error, QMP_ERROR_UNREACHABLE, "cannot find the address of nobody.invalid: *");
}

int
main (int argc, char **argv)
{
    g_test_init (&argc, &argv, NULL);
    check_add ("/address/a-path-with-and-without-its-prefix", test_unix);
    check_add ("/address/a-relative-path-is-made-absolute", test_relative);
    check_add ("/address/host-and-port", test_tcp);
    check_add ("/address/malformed-is-explained", test_malformed);
    check_add ("/address/a-migration-uri-may-leave-host-and-port-open", test_split);
    check_add ("/address/a-failed-split-writes-nothing", test_split_failure);
    check_add ("/address/equal-in-text", test_equal);
    check_add ("/address/equal-by-inode", test_same_file);
    check_add ("/address/connects-without-blocking", test_connect);
    check_add ("/address/connects-to-a-path-too-long-for-the-kernel", test_long_path);
    check_add ("/address/no-such-socket", test_no_socket);
    check_add ("/address/a-socket-left-behind", test_stale_socket);
    check_add ("/address/no-permission", test_no_permission);
    check_add ("/address/a-full-backlog-means-held", test_full_backlog);
    check_add ("/address/a-full-backlog-is-waited-for", test_backlog_with_room_again);
    check_add ("/address/cancel-ends-connecting", test_cancel);
    check_add ("/address/connects-over-tcp", test_connect_tcp);
    check_add ("/address/tcp-refused", test_refused_tcp);
    check_add ("/address/unknown-name", test_unknown_name);
    return g_test_run ();
}
