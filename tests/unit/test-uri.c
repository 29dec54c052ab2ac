/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include <gio/gio.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <unistd.h>

#include "agent/migration/error.h"
#include "agent/migration/uri.h"
#include "tests/unit/check.h"

static MigrationUri *
parse (const char *text)
{
    g_autoptr (GError) error = NULL;
    MigrationUri *uri = migration_uri_parse (text, TRUE, &error);

    g_assert_no_error (error);
    return uri;
}

static void
test_kinds (void)
{
    static const struct {
        const char *text;
        UriKind kind;
        gboolean two_way, channels;
    } cases[] = {
        { "tcp:host:4444", URI_TCP, TRUE, TRUE },
        { "tcp:[::1]:4444", URI_TCP, TRUE, TRUE },
        { "tcp:10.0.0.1:4444,keep-alive=on", URI_TCP, TRUE, TRUE },
        { "unix:/run/x", URI_UNIX, TRUE, TRUE },
        { "vsock:3:4444", URI_VSOCK, TRUE, TRUE },
        { "fd:tcp:host:1", URI_FD_TCP, TRUE, FALSE },
        { "fd:unix:/run/x", URI_FD_UNIX, TRUE, FALSE },
        { "fd:0", URI_FD, TRUE, FALSE },
        { "file:/x,offset=4096", URI_FILE, FALSE, FALSE },
        { "rdma:host:1", URI_RDMA, TRUE, FALSE },
        { "exec:cat", URI_EXEC, FALSE, FALSE },
    };

    for (guint i = 0; i < G_N_ELEMENTS (cases); i++) {
        g_autoptr (MigrationUri) uri = parse (cases[i].text);

        g_assert_cmpint (uri->kind, ==, cases[i].kind);
        g_assert_cmpint (migration_uri_is_two_way (uri), ==, cases[i].two_way);
        g_assert_cmpint (migration_uri_has_channels (uri), ==, cases[i].channels);
    }
}

static void
test_malformed (void)
{
    static const char *const cases[] = { "",          "host:4444", "tcp:",        "tcp:host",
                                         "tcp:h:",    "tcp:h:x",   "tcp:h:70000", "unix:",
                                         "vsock:1",   "vsock:a:b", "fd:x",        "fd:tcp:host",
                                         "fd:999999", "exec:",     "/run/sock",   "ftp:host:1" };

    for (guint i = 0; i < G_N_ELEMENTS (cases); i++) {
        g_autoptr (GError) error = NULL;

        g_assert_null (migration_uri_parse (cases[i], TRUE, &error));
        g_assert_error (error, MIGRATE_ERROR, EXIT_USAGE);
    }
}

static void
test_exec (void)
{
    g_autoptr (GError) error = NULL;

    g_assert_null (migration_uri_parse ("exec:cat", FALSE, &error));
    check_words (error->message, "*--allow-exec*");
}

static void
test_relative_path (void)
{
    g_autoptr (MigrationUri) uri = parse ("unix:x.sock");
    g_autofree char *folder = g_get_current_dir ();
    g_autofree char *expected = g_strdup_printf ("unix:%s/x.sock", folder);

    g_assert_cmpstr (uri->text, ==, expected);
}

static void
test_listen (void)
{
    static const struct {
        const char *text, *listen;
    } cases[] = {
        { "tcp:192.0.2.1:44", "tcp:192.0.2.1:44" },
        { "tcp:[::1]:44", "tcp:[::1]:44" },
        { "tcp:localhost:44", "tcp:localhost:44" },
        { "tcp:dst:44", "tcp:0:44" },
        { "fd:tcp:dst:44", "tcp:0:44" },
        { "fd:unix:/run/x", "unix:/run/x" },
        { "unix:/run/x", "unix:/run/x" },
        { "vsock:1:2", "vsock:1:2" },
    };

    for (guint i = 0; i < G_N_ELEMENTS (cases); i++) {
        g_autoptr (MigrationUri) uri = parse (cases[i].text);
        g_autofree char *listen = migration_uri_listen_text (uri);

        g_assert_cmpstr (listen, ==, cases[i].listen);
    }
}

static void
test_port (void)
{
    g_autoptr (MigrationUri) uri = parse ("tcp:[::1]:0");
    g_autofree char *text = migration_uri_with_port (uri, 4711);

    g_assert_cmpstr (text, ==, "tcp:[::1]:4711");
}

static int
connect_to (GSocketListener *listener)
{
    g_autoptr (GError) error = NULL;
    guint16 port = g_socket_listener_add_any_inet_port (listener, NULL, &error);
    g_autofree char *text = g_strdup_printf ("fd:tcp:127.0.0.1:%u", port);
    g_autoptr (MigrationUri) uri = parse (text);
    int fd = migration_uri_open_fd (uri, FALSE, G_TIME_SPAN_SECOND, NULL, &error);

    g_assert_no_error (error);
    return fd;
}

static void
test_backlog (void)
{
    g_autoptr (GSocketListener) listener = g_socket_listener_new ();
    int fd = connect_to (listener), bytes = 0;
    socklen_t size = sizeof bytes;

    g_assert_cmpint (getsockopt (fd, IPPROTO_TCP, TCP_NOTSENT_LOWAT, &bytes, &size), ==, 0);
    g_assert_cmpint (bytes, ==, 131072);
    close (fd);
}

int
main (int argc, char **argv)
{
    g_test_init (&argc, &argv, NULL);
    check_add ("/uri/each-kind-knows-what-it-can-carry", test_kinds);
    check_add ("/uri/a-malformed-one-is-a-usage-error", test_malformed);
    check_add ("/uri/exec-needs-permission", test_exec);
    check_add ("/uri/a-relative-path-becomes-absolute", test_relative_path);
    check_add ("/uri/a-name-listens-on-any-address", test_listen);
    check_add ("/uri/a-port-can-be-filled-in", test_port);
    check_add ("/uri/a-connection-of-ours-keeps-its-backlog-short", test_backlog);
    return g_test_run ();
}
