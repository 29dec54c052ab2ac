/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* A peer that is late, does not read, or talks without end: no wait is longer than was said, and no
 * more is sent than QEMU keeps. */
#include "qmp/value.h"
#include "tests/unit/check.h"
#include "tests/unit/session.h"

static void
expect_timeout (Session *session, gint64 timeout_us, const char *words)
{
    g_autoptr (GError) error = NULL;
    gint64 start_us = g_get_monotonic_time ();
    gint64 took_us;

    g_assert_null (qmp_client_call_full (session->client, "query-status", NULL, QMP_CALL_DEFAULT,
                                         timeout_us, &error));
    took_us = g_get_monotonic_time () - start_us;
    check_error (error, QMP_ERROR_TIMEOUT, words);
    g_assert_cmpint (took_us, >=, timeout_us);
    g_assert_cmpint (took_us, <, timeout_us + LONG_US / 2);
}

static void
test_late_reply (void)
{
    static const Step steps[] = {
        HELLO, ASKED, GATE, SEND (ANSWER (1)), ASKED, SEND (ANSWER (2)), END,
    };
    g_auto (Session) session = { 0 };

    session_open (&session, steps);
    expect_timeout (&session, SHORT_US, "source: query-status: no answer within 100 ms");
    g_assert_null (qmp_client_broken (session.client));
    script_peer_go (session.peer);
    session_expect_answer (&session, 2);
}

static void
test_late_error_without_id (void)
{
    static const Step steps[] = {
        HELLO,
        ASKED,
        GATE,
        ASKED,
        SEND ("{'error': {'class': 'GenericError', 'desc': 'the first'}}"),
        SEND (ANSWER (2)),
        END,
    };
    g_auto (Session) session = { 0 };

    session_open (&session, steps);
    expect_timeout (&session, SHORT_US, "*");
    script_peer_go (session.peer);
    session_expect_answer (&session, 2);
}

static void
test_max_outstanding (void)
{
    static const Step steps[] = {
        HELLO,
        ASKED,
        ASKED,
        ASKED,
        ASKED,
        ASKED,
        ASKED,
        EXPECT_OOB ("yank"),
        SEND ("{'return': {}, 'id': $yank}"),
        END,
    };
    g_auto (Session) session = { 0 };
    g_autoptr (json_object) yank = NULL;
    g_autoptr (GError) error = NULL;

    session_open (&session, steps);
    for (guint i = 0; i < 6; i++)
        g_assert_cmpuint (
            qmp_client_send (session.client, "query-status", NULL, QMP_CALL_DEFAULT, NULL), >, 0);
    g_assert_cmpuint (
        qmp_client_send (session.client, "query-status", NULL, QMP_CALL_DEFAULT, &error), ==, 0);
    check_error (error, QMP_ERROR_PROTOCOL,
                 "source: query-status: not sent: 6 commands are outstanding");
    yank = qmp_client_call_full (session.client, "yank", NULL, QMP_CALL_OOB, LONG_US, NULL);
    g_assert_nonnull (yank);
}

/* What QEMU has not answered fills its queue, and with a full one it reads no out-of-band command
 * either, so no more than six are sent, however often a caller tries. */
static void
test_unanswered_fill_places (void)
{
    static const Step steps[] = {
        HELLO,
        ASKED,
        ASKED,
        ASKED,
        ASKED,
        ASKED,
        ASKED,
        EXPECT_OOB ("yank"),
        SEND ("{'return': {}, 'id': $yank}"),
        GATE,
        SEND (ANSWER (1)),
        ASKED,
        SEND (ANSWER (2)),
        END,
    };
    g_auto (Session) session = { 0 };
    g_autoptr (json_object) yank = NULL;
    g_autoptr (GError) error = NULL;

    session_open (&session, steps);
    for (guint i = 0; i < 6; i++)
        expect_timeout (&session, 20 * 1000, "*: no answer within 20 ms");
    expect_timeout (&session, SHORT_US,
                    "source: query-status: not sent: QEMU answered none of the 6 commands before "
                    "it within 100 ms");
    g_assert_cmpuint (
        qmp_client_send (session.client, "query-status", NULL, QMP_CALL_DEFAULT, &error), ==, 0);
    check_error (error, QMP_ERROR_TIMEOUT, "*not sent: QEMU has not answered the 6 commands*");
    yank = qmp_client_call_full (session.client, "yank", NULL, QMP_CALL_OOB, LONG_US, NULL);
    g_assert_nonnull (yank);
    script_peer_go (session.peer);
    session_expect_answer (&session, 2);
}

static void
expect_large_timeout (Session *session, const char *command)
{
    g_autoptr (GError) error = NULL;

    g_assert_null (qmp_client_call_full (session->client, command, session_large_arguments (),
                                         QMP_CALL_DEFAULT, SHORT_US, &error));
    check_error (error, QMP_ERROR_TIMEOUT, "source: *: no answer within 100 ms");
}

static void
test_deaf_peer (void)
{
    static const Step steps[] = { HELLO, DEAF, END };
    g_auto (Session) session = { 0 };

    session_open (&session, steps);
    expect_large_timeout (&session, "query-status");
    expect_large_timeout (&session, "query-version");
}

/* The half written one must be completed, or all after it would be garbage; the one that was not
 * begun must not be executed late. */
static void
test_deaf_for_a_while (void)
{
    static const Step steps[] = {
        HELLO, GATE, EXPECT ("one"), EXPECT ("three"), SEND ("{'return': {}, 'id': $three}"), END,
    };
    g_auto (Session) session = { 0 };
    g_autoptr (json_object) three = NULL;
    g_autoptr (GError) error = NULL;

    session_open (&session, steps);
    expect_large_timeout (&session, "one");
    expect_large_timeout (&session, "two");
    script_peer_go (session.peer);
    three = qmp_client_call_full (session.client, "three", NULL, QMP_CALL_DEFAULT, LONG_US, &error);
    g_assert_no_error (error);
}

static void
test_oob_overtakes_unwritten (void)
{
    static const Step steps[] = {
        HELLO,
        GATE,
        EXPECT ("one"),
        EXPECT_OOB ("yank"),
        EXPECT ("two"),
        SEND ("{'return': {}, 'id': $yank}"),
        END,
    };
    g_auto (Session) session = { 0 };
    g_autoptr (json_object) yank = NULL;
    guint64 id;

    session_open (&session, steps);
    qmp_client_send (session.client, "one", session_large_arguments (), QMP_CALL_DEFAULT, NULL);
    qmp_client_send (session.client, "two", NULL, QMP_CALL_DEFAULT, NULL);
    id = qmp_client_send (session.client, "yank", NULL, QMP_CALL_OOB, NULL);
    script_peer_go (session.peer);
    yank = qmp_client_finish (session.client, id, LONG_US, NULL);
    g_assert_nonnull (yank);
}

static void
test_pipes (void)
{
    static const Step steps[] = {
        HELLO, EXPECT ("large"), SEND ("{'return': {}, 'id': $large}"), GATE, DEAF, END,
    };
    g_auto (Session) session = { 0 };
    g_autoptr (json_object) large = NULL;
    g_autoptr (GError) error = NULL;

    session_try_pipes (&session, steps, (QmpClientOptions){ 0 }, &error);
    g_assert_no_error (error);
    large = qmp_client_call (session.client, "large", session_large_arguments (), &error);
    g_assert_no_error (error);
    script_peer_go (session.peer);
    expect_large_timeout (&session, "query-status");
}

static void
test_flood_does_not_delay (void)
{
    static const Step steps[] = { HELLO, ASKED, FLOOD ("{'event': 'NOISE'}", 2000000), END };
    g_auto (Session) session = { 0 };

    session_open (&session, steps);
    expect_timeout (&session, SHORT_US, "*no answer within 100 ms");
}

int
main (int argc, char **argv)
{
    g_test_init (&argc, &argv, NULL);
    check_add ("/client-deadline/a-late-reply-is-dropped", test_late_reply);
    check_add ("/client-deadline/a-late-error-without-id-is-not-the-next-call-s",
               test_late_error_without_id);
    check_add ("/client-deadline/no-more-than-six-outstanding", test_max_outstanding);
    check_add ("/client-deadline/unanswered-calls-keep-their-places", test_unanswered_fill_places);
    check_add ("/client-deadline/a-peer-that-does-not-read-is-a-timeout", test_deaf_peer);
    check_add ("/client-deadline/what-was-not-begun-is-not-sent-late", test_deaf_for_a_while);
    check_add ("/client-deadline/out-of-band-overtakes-what-is-not-written",
               test_oob_overtakes_unwritten);
    check_add ("/client-deadline/over-pipes", test_pipes);
    check_add ("/client-deadline/a-flood-does-not-delay-the-deadline", test_flood_does_not_delay);
    return g_test_run ();
}
