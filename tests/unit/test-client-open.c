/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* From a connected stream to a negotiated one. */
#include "tests/unit/check.h"
#include "tests/unit/session.h"

#include <gio/gunixsocketaddress.h>
#include <glib/gstdio.h>
#include <unistd.h>

static void
expect_failure (const Step *steps, gint64 timeout_us, int code, const char *words)
{
    g_auto (Session) session = { 0 };
    g_autoptr (GError) error = NULL;
    QmpClientOptions options = { .greeting_timeout_us = timeout_us,
                                 .reply_timeout_us = timeout_us };

    session_try (&session, steps, options, &error);
    g_assert_null (session.client);
    check_error (error, code, words);
}

static void
test_version (void)
{
    static const Step steps[] = { HELLO, END };
    g_auto (Session) session = { 0 };
    const QmpVersion *version;

    session_open (&session, steps);
    version = qmp_client_version (session.client);
    g_assert_cmpuint (version->major, ==, 10);
    g_assert_cmpuint (version->minor, ==, 0);
    g_assert_cmpuint (version->micro, ==, 2);
    g_assert_cmpstr (version->package, ==, "Test 1");
    g_assert_true (qmp_client_has_oob (session.client));
    g_assert_true (qmp_client_context (session.client) == session.context);
    g_assert_null (qmp_client_broken (session.client));
}

static void
test_bare_greeting (void)
{
    static const Step steps[] = {
        SEND ("{'QMP': {'version': 7, 'capabilities': {'oob': true}}}"),
        NEGOTIATE,
        END,
    };
    g_auto (Session) session = { 0 };

    session_open (&session, steps);
    g_assert_cmpuint (qmp_client_version (session.client)->major, ==, 0);
    g_assert_cmpstr (qmp_client_version (session.client)->package, ==, "");
    g_assert_false (qmp_client_has_oob (session.client));
}

static void
test_odd_capabilities (void)
{
    static const Step steps[] = {
        SEND ("{'QMP': {'capabilities': [1, null, {'a': 1}, 'later', 'oob']}}"),
        NEGOTIATE,
        END,
    };
    g_auto (Session) session = { 0 };

    session_open (&session, steps);
    g_assert_true (qmp_client_has_oob (session.client));
}

static void
test_no_oob (void)
{
    static const Step steps[] = {
        SEND ("{'QMP': {'version': {}, 'capabilities': []}}"),
        NEGOTIATE,
        END,
    };
    g_auto (Session) session = { 0 };
    g_autoptr (GError) error = NULL;

    session_open (&session, steps);
    g_assert_false (qmp_client_has_oob (session.client));
    g_assert_null (qmp_client_call_full (session.client, "yank", NULL, QMP_CALL_OOB, 0, &error));
    check_error (error, QMP_ERROR_PROTOCOL,
                 "source: yank: this QMP connection takes no out-of-band commands");
}

static void
test_byte_by_byte (void)
{
    static const Step steps[] = {
        SEND_PIECES (GREETING_TEXT, 1),
        EXPECT ("qmp_capabilities"),
        SEND_PIECES ("{'return': {}, 'id': $qmp_capabilities}", 1),
        END,
    };
    g_auto (Session) session = { 0 };

    session_open (&session, steps);
}

static void
expect_event (Session *session, const char *name)
{
    g_autoptr (QmpEvent) event = qmp_client_take_event (session->client, NULL);

    g_assert_nonnull (event);
    g_assert_cmpstr (event->name, ==, name);
}

static void
test_events_around (void)
{
    static const Step steps[] = {
        SEND ("{'event': 'ONE'}"),
        SEND (GREETING_TEXT "{'event': 'TWO'}"),
        EXPECT ("qmp_capabilities"),
        SEND ("{'event': 'THREE'}{'return': {}, 'id': $qmp_capabilities}"),
        END,
    };
    g_auto (Session) session = { 0 };

    session_open (&session, steps);
    expect_event (&session, "ONE");
    expect_event (&session, "TWO");
    expect_event (&session, "THREE");
    g_assert_false (qmp_client_has_event (session.client));
}

static void
test_no_greeting (void)
{
    static const Step steps[] = { END };

    expect_failure (steps, SHORT_US, QMP_ERROR_HELD,
                    "source: the peer accepted the connection but sent no QMP greeting within 100 "
                    "ms: another client holds this monitor, or QEMU does not respond");
}

static void
test_half_greeting (void)
{
    static const Step steps[] = { SEND_RAW ("{\"QMP\": {"), END };

    expect_failure (steps, SHORT_US, QMP_ERROR_HELD, "*sent no QMP greeting within 100 ms*");
}

static void
test_only_events (void)
{
    static const Step steps[] = { SEND ("{'event': 'STOP'}"), END };

    expect_failure (steps, SHORT_US, QMP_ERROR_HELD, "*sent no QMP greeting*");
}

static void
test_other_protocols (void)
{
    static const Step ssh[] = { SEND_RAW ("SSH-2.0-OpenSSH_9.2p1 Debian-2\r\n"), END };
    static const Step http[] = { SEND_RAW ("HTTP/1.1 400 Bad Request\r\nServer: x\r\n"), END };
    static const Step hmp[] = { SEND_RAW ("QEMU 10.0.2 monitor - type 'help'\r\n(qemu) "), END };
    static const Step vnc[] = { SEND_RAW ("RFB 003.008\n"), END };

    expect_failure (ssh, LONG_US, QMP_ERROR_PROTOCOL,
                    "source: the peer does not speak QMP: it sent \"SSH-2.0-OpenSSH_9.2p1 "
                    "Debian-2\"*");
    expect_failure (http, LONG_US, QMP_ERROR_PROTOCOL, "*it sent \"HTTP/1.1 400 Bad Request\"*");
    expect_failure (hmp, LONG_US, QMP_ERROR_PROTOCOL, "*it sent \"QEMU 10.0.2 monitor*");
    expect_failure (vnc, LONG_US, QMP_ERROR_PROTOCOL, "*it sent \"RFB 003.008\"*");
}

static void
test_other_json (void)
{
    static const Step reply[] = { SEND ("{'return': {}, 'id': 1}"), END };
    static const Step scalar[] = { SEND ("{'QMP': 1}"), END };
    static const Step event[] = { SEND ("{'event': 1}"), END };
    static const Step list[] = { SEND ("['QMP']"), END };

    expect_failure (reply, LONG_US, QMP_ERROR_PROTOCOL,
                    "source: the peer does not speak QMP: it greets with \"{\"return\":*");
    expect_failure (scalar, LONG_US, QMP_ERROR_PROTOCOL, "*it greets with *");
    expect_failure (event, LONG_US, QMP_ERROR_PROTOCOL, "*it greets with *");
    expect_failure (list, LONG_US, QMP_ERROR_PROTOCOL, "*it sent \"[\"QMP\"]\"*");
}

static void
test_closed_at_once (void)
{
    static const Step steps[] = { CLOSE, END };

    expect_failure (steps, LONG_US, QMP_ERROR_CLOSED,
                    "source: the peer closed the connection before any QMP greeting*");
}

static void
test_closed_in_greeting (void)
{
    static const Step steps[] = { SEND_RAW ("{\"QMP\": {"), CLOSE, END };

    expect_failure (steps, LONG_US, QMP_ERROR_CLOSED, "*before any QMP greeting*");
}

static void
test_closed_in_negotiation (void)
{
    static const Step steps[] = { GREETING, EXPECT ("qmp_capabilities"), CLOSE, END };

    expect_failure (steps, LONG_US, QMP_ERROR_CLOSED,
                    "source: QEMU closed the QMP connection (while waiting for qmp_capabilities)");
}

static void
test_negotiation_refused (void)
{
    static const Step steps[] = {
        GREETING,
        EXPECT ("qmp_capabilities"),
        SEND ("{'error': {'class': 'GenericError', 'desc': 'not today'}, 'id': $qmp_capabilities}"),
        END,
    };

    expect_failure (steps, LONG_US, QMP_ERROR_PROTOCOL, "source: qmp_capabilities: not today");
}

static void
test_negotiation_unanswered (void)
{
    static const Step steps[] = { GREETING, EXPECT ("qmp_capabilities"), END };

    expect_failure (steps, SHORT_US, QMP_ERROR_TIMEOUT,
                    "source: qmp_capabilities: no answer within 100 ms");
}

static void
test_cancelled_before (void)
{
    static const Step steps[] = { GREETING, END };
    g_auto (Session) session = { .cancel = g_cancellable_new () };
    g_autoptr (GError) error = NULL;

    g_cancellable_cancel (session.cancel);
    session_try (&session, steps, (QmpClientOptions){ 0 }, &error);
    g_assert_null (session.client);
    check_error (error, QMP_ERROR_CANCELLED, "source: cancelled while waiting for the greeting");
}

static void
test_no_such_socket (void)
{
    g_autoptr (GMainContext) context = g_main_context_new ();
    g_autoptr (QmpAddress) address = qmp_address_parse ("/nosuch/x.sock", NULL);
    g_autoptr (GError) error = NULL;
    QmpClientOptions options = { .label = "destination" };

    g_assert_null (qmp_client_open (context, address, &options, &error));
    check_error (error, QMP_ERROR_UNREACHABLE, "destination: no such socket: /nosuch/x.sock");
}

/* A listener that nobody accepts from: what a monitor looks like while another client holds it. */
static void
test_held_socket (void)
{
    g_autofree char *directory = g_dir_make_tmp ("qmpmig-test-XXXXXX", NULL);
    g_autofree char *path = g_build_filename (directory, "x.sock", NULL);
    g_autofree char *pattern = g_strdup_printf ("source: unix:%s accepted the connection *", path);
    g_autoptr (GSocketAddress) name = g_unix_socket_address_new (path);
    g_autoptr (GSocket) listener =
        g_socket_new (G_SOCKET_FAMILY_UNIX, G_SOCKET_TYPE_STREAM, G_SOCKET_PROTOCOL_DEFAULT, NULL);
    g_autoptr (GMainContext) context = g_main_context_new ();
    g_autoptr (QmpAddress) address = qmp_address_parse (path, NULL);
    g_autoptr (GError) error = NULL;
    QmpClientOptions options = { .label = "source", .greeting_timeout_us = SHORT_US };

    g_assert_true (g_socket_bind (listener, name, FALSE, NULL));
    g_assert_true (g_socket_listen (listener, NULL));
    g_assert_null (qmp_client_open (context, address, &options, &error));
    check_error (error, QMP_ERROR_HELD, pattern);
    g_unlink (path);
    g_rmdir (directory);
}

static void
test_peer_pid (void)
{
    static const Step steps[] = { HELLO, END };
    g_auto (Session) socket = { 0 };
    g_auto (Session) pipes = { 0 };
    g_autoptr (GError) error = NULL;

    session_open (&socket, steps);
    g_assert_cmpint (qmp_client_peer_pid (socket.client), ==, getpid ());
    session_try_pipes (&pipes, steps, (QmpClientOptions){ 0 }, &error);
    g_assert_no_error (error);
    g_assert_cmpint (qmp_client_peer_pid (pipes.client), ==, 0);
}

static void
test_close_nothing (void)
{
    qmp_client_close (NULL);
    qmp_event_free (NULL);
}

int
main (int argc, char **argv)
{
    g_test_init (&argc, &argv, NULL);
    check_add ("/open/the-greeting-tells-the-version", test_version);
    check_add ("/open/a-greeting-may-lack-everything", test_bare_greeting);
    check_add ("/open/odd-capabilities-are-passed-over", test_odd_capabilities);
    check_add ("/open/without-out-of-band", test_no_oob);
    check_add ("/open/one-byte-at-a-time", test_byte_by_byte);
    check_add ("/open/events-before-between-and-after-are-kept", test_events_around);
    check_add ("/open/no-greeting-means-held", test_no_greeting);
    check_add ("/open/half-a-greeting-is-none", test_half_greeting);
    check_add ("/open/events-are-no-greeting", test_only_events);
    check_add ("/open/other-protocols-are-quoted", test_other_protocols);
    check_add ("/open/json-that-is-no-greeting", test_other_json);
    check_add ("/open/closed-at-once", test_closed_at_once);
    check_add ("/open/closed-in-the-greeting", test_closed_in_greeting);
    check_add ("/open/closed-in-negotiation", test_closed_in_negotiation);
    check_add ("/open/negotiation-refused", test_negotiation_refused);
    check_add ("/open/negotiation-unanswered", test_negotiation_unanswered);
    check_add ("/open/cancelled-before-it-began", test_cancelled_before);
    check_add ("/open/no-such-socket", test_no_such_socket);
    check_add ("/open/nobody-accepts", test_held_socket);
    check_add ("/open/the-peer-s-pid-where-the-kernel-tells", test_peer_pid);
    check_add ("/open/closing-nothing-is-fine", test_close_nothing);
    return g_test_run ();
}
