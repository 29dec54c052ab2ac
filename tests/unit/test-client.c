/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* A negotiated connection: calls, events, and all that can go wrong with them. */
#include "qmp/value.h"
#include "tests/unit/check.h"
#include "tests/unit/session.h"

#include <signal.h>
#include <string.h>
#include <unistd.h>

#define ANSWER(n) "{'return': {'n': " #n "}, 'id': $query-status}"
#define ASKED     EXPECT ("query-status")

/* --- calls --- */

static void
test_call (void)
{
    static const Step steps[] = { HELLO, ASKED, SEND (ANSWER (1)), ASKED, SEND (ANSWER (2)), END };
    g_auto (Session) session = { 0 };

    session_open (&session, steps);
    session_expect_answer (&session, 1);
    session_expect_answer (&session, 2);
}

static void
test_reply_in_pieces (void)
{
    static const Step steps[] = { HELLO, ASKED, SEND_PIECES (ANSWER (1), 3), END };
    g_auto (Session) session = { 0 };

    session_open (&session, steps);
    session_expect_answer (&session, 1);
}

static void
test_events_around_reply (void)
{
    static const Step steps[] = {
        HELLO,
        ASKED,
        SEND_RAW ("{\"event\": \"ONE\"}{\"return\": {\"n\": 1}, \"id\""),
        PAUSE (20),
        SEND (": $query-status}{'event': 'TWO'}"),
        END,
    };
    g_auto (Session) session = { 0 };
    g_autoptr (QmpEvent) two = NULL;
    g_autoptr (QmpEvent) one = NULL;

    session_open (&session, steps);
    session_expect_answer (&session, 1);
    two = qmp_client_wait_event (session.client, "TWO", LONG_US, NULL);
    one = qmp_client_take_event (session.client, "ONE");
    g_assert_nonnull (two);
    g_assert_nonnull (one);
}

static void
test_refused (void)
{
    static const Step steps[] = {
        HELLO,
        ASKED,
        SEND ("{'error': {'class': 'DeviceNotFound', 'desc': 'no such thing'}, 'id': "
              "$query-status}"),
        END,
    };
    g_auto (Session) session = { 0 };
    g_autoptr (GError) error = NULL;

    session_open (&session, steps);
    g_assert_null (qmp_client_call (session.client, "query-status", NULL, &error));
    g_assert_cmpstr (qmp_error_command (error), ==, "query-status");
    g_assert_cmpstr (qmp_error_class (error), ==, "DeviceNotFound");
    g_assert_cmpstr (qmp_error_desc (error), ==, "no such thing");
    check_error (error, QMP_ERROR_REFUSED, "source: query-status: no such thing");
}

static void
test_error_without_id (void)
{
    static const Step steps[] = {
        HELLO,
        ASKED,
        EXPECT ("query-version"),
        SEND ("{'error': {'class': 'GenericError', 'desc': 'JSON parse error'}}"),
        SEND ("{'return': {}, 'id': $query-version}"),
        END,
    };
    g_auto (Session) session = { 0 };
    g_autoptr (GError) error = NULL;
    g_autoptr (json_object) version = NULL;
    guint64 first, second;

    session_open (&session, steps);
    first = qmp_client_send (session.client, "query-status", NULL, QMP_CALL_DEFAULT, NULL);
    second = qmp_client_send (session.client, "query-version", NULL, QMP_CALL_DEFAULT, NULL);
    version = qmp_client_finish (session.client, second, LONG_US, NULL);
    g_assert_nonnull (version);
    g_assert_null (qmp_client_finish (session.client, first, LONG_US, &error));
    check_error (error, QMP_ERROR_REFUSED, "source: query-status: JSON parse error");
}

/* It may not be taken for the answer to an out-of-band command, nor crash with none to take it. */
static void
test_error_without_id_nor_call (void)
{
    static const Step steps[] = {
        HELLO,
        SEND ("{'error': {'class': 'GenericError', 'desc': 'stray'}}"),
        EXPECT_OOB ("yank"),
        SEND ("{'error': {'class': 'GenericError', 'desc': 'stray'}}"),
        SEND ("{'return': {}, 'id': $yank}"),
        END,
    };
    g_auto (Session) session = { 0 };
    g_autoptr (GError) error = NULL;
    g_autoptr (json_object) value = NULL;

    session_open (&session, steps);
    value = qmp_client_call_full (session.client, "yank", NULL, QMP_CALL_OOB, LONG_US, &error);
    g_assert_no_error (error);
}

static void
test_wrong_ids (void)
{
    static const Step steps[] = {
        HELLO,
        ASKED,
        SEND ("{'return': {'n': 0}, 'id': 4711}{'return': {'n': 0}, 'id': '$query-status'}"),
        SEND ("{'return': {'n': 0}, 'id': {}}{'return': {'n': 0}, 'id': -1}"),
        SEND ("{'return': {'n': 0}, 'id': 2.5}{'return': {'n': 0}, 'id': null}"),
        SEND ("{'return': {'n': 0}}{'return': {'n': 0}, 'id': $qmp_capabilities}"),
        SEND (ANSWER (1)),
        END,
    };
    g_auto (Session) session = { 0 };

    session_open (&session, steps);
    session_expect_answer (&session, 1);
}

static void
test_wrong_messages (void)
{
    static const Step steps[] = {
        HELLO,
        ASKED,
        SEND ("{}{'event': 1}{'event': null}{'event': {}}{'QMP': {}}{'what': 'ever'}"),
        SEND ("{'error': null}{'id': 4711}"),
        SEND (ANSWER (1)),
        END,
    };
    g_auto (Session) session = { 0 };

    session_open (&session, steps);
    session_expect_answer (&session, 1);
    g_assert_false (qmp_client_has_event (session.client));
}

static void
expect_reply_error (const char *reply, int code, const char *words)
{
    const Step steps[] = { HELLO, ASKED, SEND (reply), END };
    g_auto (Session) session = { 0 };

    g_test_message ("%s", reply);
    session_open (&session, steps);
    session_expect_error (&session, code, words);
    g_assert_null (qmp_client_broken (session.client));
}

static void
test_wrong_replies (void)
{
    expect_reply_error ("{'id': $query-status}", QMP_ERROR_PROTOCOL,
                        "source: query-status: the answer is neither a return nor an error: *");
    expect_reply_error ("{'return': null, 'id': $query-status}", QMP_ERROR_PROTOCOL, "*neither*");
    expect_reply_error ("{'error': 'no', 'id': $query-status}", QMP_ERROR_PROTOCOL, "*neither*");
    expect_reply_error ("{'error': [1], 'id': $query-status}", QMP_ERROR_PROTOCOL, "*neither*");
    expect_reply_error ("{'error': 1, 'return': 1, 'id': $query-status}", QMP_ERROR_PROTOCOL,
                        "*neither*");
    expect_reply_error ("{'error': {}, 'id': $query-status}", QMP_ERROR_REFUSED,
                        "source: query-status: refused without a reason");
    expect_reply_error ("{'error': {'desc': 5, 'class': []}, 'id': $query-status}",
                        QMP_ERROR_REFUSED, "source: query-status: refused without a reason");
}

static void
test_any_return (void)
{
    static const Step steps[] = {
        HELLO,
        ASKED,
        SEND ("{'return': 'text', 'id': $query-status}"),
        ASKED,
        SEND ("{'return': [1], 'id': $query-status}"),
        END,
    };
    g_auto (Session) session = { 0 };
    g_autoptr (json_object) text = NULL;
    g_autoptr (json_object) list = NULL;

    session_open (&session, steps);
    text = qmp_client_call (session.client, "query-status", NULL, NULL);
    list = qmp_client_call (session.client, "query-status", NULL, NULL);
    g_assert_true (json_object_is_type (text, json_type_string));
    g_assert_true (json_object_is_type (list, json_type_array));
}

static void
test_oob_overtakes (void)
{
    static const Step steps[] = {
        HELLO,
        EXPECT ("migrate"),
        EXPECT_OOB ("yank"),
        SEND ("{'return': {}, 'id': $yank}"),
        GATE,
        SEND ("{'return': {}, 'id': $migrate}"),
        END,
    };
    g_auto (Session) session = { 0 };
    g_autoptr (json_object) yank = NULL;
    g_autoptr (json_object) migrate = NULL;
    guint64 id;

    session_open (&session, steps);
    id = qmp_client_send (session.client, "migrate", NULL, QMP_CALL_DEFAULT, NULL);
    yank = qmp_client_call_full (session.client, "yank", NULL, QMP_CALL_OOB, LONG_US, NULL);
    g_assert_nonnull (yank);
    script_peer_go (session.peer);
    migrate = qmp_client_finish (session.client, id, LONG_US, NULL);
    g_assert_nonnull (migrate);
}

static void
test_forget (void)
{
    static const Step steps[] = {
        HELLO, EXPECT ("quit"), SEND ("{'return': {}, 'id': $quit}"), ASKED, SEND (ANSWER (1)), END,
    };
    g_auto (Session) session = { 0 };
    g_autoptr (GError) error = NULL;
    guint64 id;

    session_open (&session, steps);
    id = qmp_client_send (session.client, "quit", NULL, QMP_CALL_DEFAULT, NULL);
    qmp_client_forget (session.client, id);
    qmp_client_forget (session.client, id);
    qmp_client_forget (session.client, 4711);
    session_expect_answer (&session, 1);
    g_assert_null (qmp_client_finish (session.client, id, LONG_US, &error));
    check_error (error, QMP_ERROR_PROTOCOL, "source: nothing was sent with id *");
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

/* --- deadlines --- */

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

/* More than the kernel keeps for a peer that does not read. */
static json_object *
large_arguments (void)
{
    g_autofree char *filler = g_strnfill (1024 * 1024, 'x');

    return qmp_object ("filler", json_object_new_string (filler), NULL);
}

static void
expect_large_timeout (Session *session, const char *command)
{
    g_autoptr (GError) error = NULL;

    g_assert_null (qmp_client_call_full (session->client, command, large_arguments (),
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
    qmp_client_send (session.client, "one", large_arguments (), QMP_CALL_DEFAULT, NULL);
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
    large = qmp_client_call (session.client, "large", large_arguments (), &error);
    g_assert_no_error (error);
    script_peer_go (session.peer);
    expect_large_timeout (&session, "query-status");
}

/* --- the end of the connection --- */

static void
test_closed (void)
{
    static const Step steps[] = { HELLO, ASKED, CLOSE, END };
    g_auto (Session) session = { 0 };

    session_open (&session, steps);
    session_expect_error (
        &session, QMP_ERROR_CLOSED,
        "source: QEMU closed the QMP connection (while waiting for query-status)");
    session_expect_error (
        &session, QMP_ERROR_CLOSED,
        "source: QEMU closed the QMP connection (while waiting for query-status)");
    g_assert_error (qmp_client_broken (session.client), QMP_ERROR, QMP_ERROR_CLOSED);
}

static void
test_closed_in_message (void)
{
    static const Step steps[] = { HELLO, ASKED, SEND_RAW ("{\"return\": {"), CLOSE, END };
    g_auto (Session) session = { 0 };

    session_open (&session, steps);
    session_expect_error (&session, QMP_ERROR_CLOSED, "source: QEMU closed *");
}

static void
test_answered_then_closed (void)
{
    static const Step steps[] = {
        HELLO, ASKED, SEND ("{'event': 'SHUTDOWN'}" ANSWER (1)), CLOSE, END,
    };
    g_auto (Session) session = { 0 };
    g_autoptr (QmpEvent) event = NULL;
    g_autoptr (GError) error = NULL;

    session_open (&session, steps);
    session_expect_answer (&session, 1);
    g_assert_null (qmp_client_wait_event (session.client, "NOSUCH", LONG_US, &error));
    check_error (error, QMP_ERROR_CLOSED, "*(while waiting for event NOSUCH)");
    event = qmp_client_take_event (session.client, "SHUTDOWN");
    g_assert_nonnull (event);
}

/* The peer has gone before we write. Its last words are there all the same. */
static void
test_last_words (void)
{
    static const Step steps[] = { HELLO, SEND ("{'event': 'SHUTDOWN'}"), CLOSE, END };
    g_auto (Session) session = { 0 };
    g_autoptr (QmpEvent) event = NULL;

    session_open (&session, steps);
    script_peer_finish (g_steal_pointer (&session.peer));
    session_expect_error (&session, QMP_ERROR_CLOSED, "source: QEMU closed *");
    event = qmp_client_take_event (session.client, "SHUTDOWN");
    g_assert_nonnull (event);
}

static void
test_no_signal (void)
{
    static const Step steps[] = { HELLO, CLOSE, END };
    g_auto (Session) session = { 0 };
    g_autoptr (GError) error = NULL;
    struct sigaction before, deadly = { .sa_handler = SIG_DFL };

    session_try_pipes (&session, steps, (QmpClientOptions){ 0 }, &error);
    g_assert_no_error (error);
    script_peer_finish (g_steal_pointer (&session.peer));
    g_assert_no_errno (sigaction (SIGPIPE, &deadly, &before));
    session_expect_error (&session, QMP_ERROR_CLOSED, "source: QEMU closed *");
    g_assert_no_errno (sigaction (SIGPIPE, &before, NULL));
}

static void
test_garbage (void)
{
    static const Step steps[] = { HELLO, ASKED, SEND_RAW ("\xff\xff{}"), END };
    g_auto (Session) session = { 0 };

    session_open (&session, steps);
    session_expect_error (&session, QMP_ERROR_PROTOCOL,
                          "source: QEMU's output is not QMP: it sent \"\\xff\\xff{}\"*");
    session_expect_error (&session, QMP_ERROR_PROTOCOL, "*it sent \"\\xff\\xff{}\"*");
}

static void
test_too_deep (void)
{
    g_autofree char *deep = g_strnfill (100, '[');
    g_autofree char *text = g_strconcat ("{\"return\":", deep, NULL);
    const Step steps[] = { HELLO, ASKED, SEND_RAW (text), END };
    g_auto (Session) session = { 0 };

    session_open (&session, steps);
    session_expect_error (&session, QMP_ERROR_PROTOCOL, "*nested more than 64 deep*");
}

static void
test_too_long (void)
{
    g_autofree char *filler = g_strnfill (QMP_MESSAGE_MAX_BYTES, 'x');
    const Step steps[] = { HELLO, ASKED, SEND_RAW ("{\"return\":\""), SEND_RAW (filler), END };
    g_auto (Session) session = { 0 };

    session_open (&session, steps);
    session_expect_error (&session, QMP_ERROR_PROTOCOL, "*a message of more than 16777216 bytes*");
}

static void
test_flood_does_not_delay (void)
{
    static const Step steps[] = { HELLO, ASKED, FLOOD ("{'event': 'NOISE'}", 2000000), END };
    g_auto (Session) session = { 0 };

    session_open (&session, steps);
    expect_timeout (&session, SHORT_US, "*no answer within 100 ms");
}

/* --- cancelling --- */

static gpointer
cancel_soon (gpointer data)
{
    g_usleep (SHORT_US);
    g_cancellable_cancel (data);
    return NULL;
}

static void
test_cancel_wakes (void)
{
    static const Step steps[] = { HELLO, ASKED, END };
    g_auto (Session) session = { 0 };
    g_autoptr (GError) error = NULL;
    gint64 start_us = g_get_monotonic_time ();
    GThread *thread;

    session_open (&session, steps);
    thread = g_thread_new ("cancel", cancel_soon, session.cancel);
    session_expect_error (&session, QMP_ERROR_CANCELLED,
                          "source: cancelled while waiting for query-status");
    g_thread_join (thread);
    g_assert_cmpint (g_get_monotonic_time () - start_us, <, LONG_US / 2);
    g_assert_null (qmp_client_wait_event (session.client, NULL, LONG_US, &error));
    check_error (error, QMP_ERROR_CANCELLED, "source: cancelled while waiting for an event");
}

static void
test_cancelled_is_not_sent (void)
{
    static const Step steps[] = { HELLO, ASKED, SEND (ANSWER (1)), END };
    g_auto (Session) session = { 0 };
    g_autoptr (GError) error = NULL;

    session_open (&session, steps);
    g_cancellable_cancel (session.cancel);
    g_assert_null (qmp_client_call (session.client, "cont", NULL, &error));
    check_error (error, QMP_ERROR_CANCELLED, "source: cont: cancelled before it was sent");
    g_cancellable_reset (session.cancel);
    session_expect_answer (&session, 1);
}

/* Once for each time that it is cancelled: also after a reset. */
static void
test_cancel_again (void)
{
    static const Step steps[] = { HELLO, ASKED, ASKED, END };
    g_auto (Session) session = { 0 };

    session_open (&session, steps);
    for (guint i = 0; i < 2; i++) {
        GThread *thread = g_thread_new ("cancel", cancel_soon, session.cancel);

        session_expect_error (&session, QMP_ERROR_CANCELLED, "source: cancelled *");
        g_thread_join (thread);
        g_cancellable_reset (session.cancel);
    }
}

/* --- descriptors --- */

static void
test_pass_fd (void)
{
    static const Step steps[] = {
        HELLO, ASKED, EXPECT_FD ("getfd"), SEND ("{'return': {}, 'id': $getfd}" ANSWER (1)), END,
    };
    g_auto (Session) session = { 0 };
    g_autoptr (json_object) value = NULL;
    g_autoptr (GError) error = NULL;
    char name[16] = { 0 };
    int pair[2];

    session_open (&session, steps);
    g_assert_no_errno (pipe (pair));
    qmp_client_send (session.client, "query-status", NULL, QMP_CALL_DEFAULT, NULL);
    value = qmp_client_call_with_fd (session.client, "getfd", NULL, pair[1], &error);
    g_assert_no_error (error);
    g_assert_cmpint (read (pair[0], name, sizeof name), ==, strlen ("getfd"));
    g_assert_cmpstr (name, ==, "getfd");
    close (pair[0]);
    close (pair[1]);
}

/* It waits behind a half written command, and must neither go with that one's bytes nor be lost. */
static void
test_pass_fd_later (void)
{
    static const Step steps[] = {
        HELLO, GATE, EXPECT ("one"), EXPECT_FD ("getfd"), SEND ("{'return': {}, 'id': $getfd}"),
        END,
    };
    g_auto (Session) session = { 0 };
    g_autoptr (json_object) value = NULL;
    g_autoptr (GError) error = NULL;
    int pair[2];

    session_open (&session, steps);
    g_assert_no_errno (pipe (pair));
    qmp_client_send (session.client, "one", large_arguments (), QMP_CALL_DEFAULT, NULL);
    script_peer_go (session.peer);
    value = qmp_client_call_with_fd (session.client, "getfd", NULL, pair[1], &error);
    g_assert_no_error (error);
    close (pair[0]);
    close (pair[1]);
}

static void
test_pass_bad_fd (void)
{
    static const Step steps[] = { HELLO, ASKED, SEND (ANSWER (1)), END };
    g_auto (Session) session = { 0 };
    g_autoptr (GError) error = NULL;

    session_open (&session, steps);
    g_assert_null (qmp_client_call_with_fd (session.client, "getfd", NULL, 987654, &error));
    check_error (error, QMP_ERROR_PROTOCOL, "source: getfd: cannot pass file descriptor 987654: *");
    session_expect_answer (&session, 1);
}

static void
test_pass_fd_needs_socket (void)
{
    static const Step steps[] = { HELLO, END };
    g_auto (Session) session = { 0 };
    g_autoptr (GError) error = NULL;

    session_try_pipes (&session, steps, (QmpClientOptions){ 0 }, NULL);
    g_assert_null (qmp_client_call_with_fd (session.client, "getfd",
                                            qmp_object ("fdname", NULL, NULL), 0, &error));
    check_error (error, QMP_ERROR_PROTOCOL,
                 "source: getfd: a file descriptor can only be passed over a unix socket");
}

/* --- events --- */

static void
test_event (void)
{
    static const Step steps[] = {
        HELLO,
        PAUSE (20),
        SEND ("{'timestamp': {'seconds': 1700000000, 'microseconds': 123456}, 'event': 'STOP', "
              "'data': {'a': 1}}"),
        END,
    };
    g_auto (Session) session = { 0 };
    g_autoptr (QmpEvent) event = NULL;

    session_open (&session, steps);
    event = qmp_client_wait_event (session.client, NULL, LONG_US, NULL);
    g_assert_cmpstr (event->name, ==, "STOP");
    g_assert_cmpint (event->timestamp_us, ==, G_GINT64_CONSTANT (1700000000123456));
    g_assert_cmpint (event->received_us, <=, g_get_monotonic_time ());
    g_assert_cmpint (event->received_us, >, g_get_monotonic_time () - LONG_US);
    g_assert_cmpuint (qmp_peek_uint (event->message, "data.a", 0), ==, 1);
}

static void
test_event_timestamps (void)
{
    static const Step steps[] = {
        HELLO,
        SEND ("{'event': 'A'}"),
        SEND ("{'event': 'A', 'timestamp': {'seconds': -1, 'microseconds': -1}}"),
        SEND ("{'event': 'A', 'timestamp': {'seconds': 1, 'microseconds': 1000000}}"),
        SEND ("{'event': 'A', 'timestamp': {'seconds': 9223372036854775807, 'microseconds': 0}}"),
        SEND ("{'event': 'A', 'timestamp': [1, 2]}"),
        END,
    };
    g_auto (Session) session = { 0 };

    session_open (&session, steps);
    for (guint i = 0; i < 5; i++) {
        g_autoptr (QmpEvent) event = qmp_client_wait_event (session.client, "A", LONG_US, NULL);

        g_assert_cmpint (event->timestamp_us, ==, -1);
    }
}

static void
test_event_order (void)
{
    static const Step steps[] = {
        HELLO,
        ASKED,
        SEND ("{'event': 'A'}{'event': 'B'}{'event': 'A', 'data': 2}" ANSWER (1)),
        END,
    };
    g_auto (Session) session = { 0 };
    g_autoptr (QmpEvent) b = NULL;
    g_autoptr (QmpEvent) first = NULL;
    g_autoptr (QmpEvent) second = NULL;

    session_open (&session, steps);
    session_expect_answer (&session, 1);
    b = qmp_client_take_event (session.client, "B");
    g_assert_nonnull (b);
    g_assert_null (qmp_client_take_event (session.client, "B"));
    first = qmp_client_take_event (session.client, "A");
    second = qmp_client_take_event (session.client, NULL);
    g_assert_null (qmp_peek (first->message, "data"));
    g_assert_cmpuint (qmp_peek_uint (second->message, "data", 0), ==, 2);
    g_assert_false (qmp_client_has_event (session.client));
}

static void
test_event_timeout (void)
{
    static const Step steps[] = { HELLO, SEND ("{'event': 'OTHER'}"), END };
    g_auto (Session) session = { 0 };
    g_autoptr (GError) error = NULL;

    session_open (&session, steps);
    g_assert_null (qmp_client_wait_event (session.client, "STOP", SHORT_US, &error));
    check_error (error, QMP_ERROR_TIMEOUT, "source: no event STOP within 100 ms");
    g_assert_true (qmp_client_has_event (session.client));
}

/* Without any time to wait: what has come already counts. */
static void
test_event_at_once (void)
{
    static const Step steps[] = { HELLO, SEND ("{'event': 'STOP'}"), CLOSE, END };
    g_auto (Session) session = { 0 };
    g_autoptr (QmpEvent) event = NULL;

    session_open (&session, steps);
    script_peer_finish (g_steal_pointer (&session.peer));
    event = qmp_client_wait_event (session.client, "STOP", 0, NULL);
    g_assert_nonnull (event);
}

static void
test_event_cap (void)
{
    static const Step steps[] = {
        HELLO,
        ASKED,
        SEND ("{'event': 'FIRST'}{'event': 'SECOND'}"),
        FLOOD ("{'event': 'MANY'}", QMP_CLIENT_MAX_EVENTS - 1),
        SEND (ANSWER (1)),
        END,
    };
    g_auto (Session) session = { 0 };
    g_autoptr (QmpEvent) second = NULL;

    session_open (&session, steps);
    session_expect_answer (&session, 1);
    g_assert_cmpuint (qmp_client_events_dropped (session.client), ==, 1);
    second = qmp_client_take_event (session.client, NULL);
    g_assert_cmpstr (second->name, ==, "SECOND");
}

/* --- the rest --- */

static void
test_shared_context (void)
{
    static const Step source_steps[] = { HELLO, ASKED, GATE, SEND (ANSWER (1)), END };
    static const Step destination_steps[] = { HELLO, SEND ("{'event': 'RESUME'}"), END };
    g_auto (Session) source = { 0 };
    g_auto (Session) destination = { 0 };
    g_autoptr (GIOStream) stream = NULL;
    QmpClientOptions options = { .label = "destination" };
    gint64 deadline_us = g_get_monotonic_time () + LONG_US;
    guint64 id;

    session_open (&source, source_steps);
    destination.peer = script_peer_start (destination_steps);
    stream = script_peer_take_stream (destination.peer);
    destination.client = qmp_client_open_stream (source.context, stream, &options, NULL);
    g_assert_nonnull (destination.client);

    id = qmp_client_send (source.client, "query-status", NULL, QMP_CALL_DEFAULT, NULL);
    while (!qmp_client_has_event (destination.client) &&
           qmp_context_iterate (source.context, deadline_us))
        ;
    g_assert_true (qmp_client_has_event (destination.client));
    script_peer_go (source.peer);
    json_object_put (qmp_client_finish (source.client, id, LONG_US, NULL));
}

static void
test_iterate_deadline (void)
{
    g_autoptr (GMainContext) context = g_main_context_new ();
    gint64 start_us = g_get_monotonic_time ();

    while (qmp_context_iterate (context, start_us + SHORT_US))
        ;
    g_assert_cmpint (g_get_monotonic_time () - start_us, >=, SHORT_US);
    g_assert_cmpint (g_get_monotonic_time () - start_us, <, LONG_US);
}

static void
append_tap (const char *label, QmpTapKind kind, const char *name, const char *message,
            gpointer data)
{
    static const char *const kinds[] = { "send", "sent", "greeting", "reply", "event" };

    g_string_append_printf (data, "%s %s %s %s\n", label, kinds[kind], name, message);
}

static void
test_tap (void)
{
    static const Step steps[] = { HELLO, ASKED, SEND ("{'event': 'A'}" ANSWER (1)), END };
    g_autoptr (GString) log = g_string_new (NULL);
    g_autoptr (GError) error = NULL;
    g_auto (Session) session = { 0 };
    QmpClientOptions options = { .tap = append_tap, .tap_data = log };

    session_try (&session, steps, options, &error);
    g_assert_no_error (error);
    g_assert_true (g_str_has_prefix (log->str, "source greeting  {\"QMP\":{"));
    g_assert_nonnull (strstr (log->str, "\nsource send qmp_capabilities {"));
    g_assert_nonnull (strstr (log->str, "\nsource reply qmp_capabilities {"));
    g_string_truncate (log, 0);
    session_expect_answer (&session, 1);
    g_assert_cmpstr (log->str, ==,
                     "source send query-status {\"execute\":\"query-status\",\"id\":2}\n"
                     "source sent query-status {\"execute\":\"query-status\",\"id\":2}\n"
                     "source event A {\"event\":\"A\"}\n"
                     "source reply query-status {\"return\":{\"n\":1},\"id\":2}\n");
}

int
main (int argc, char **argv)
{
    g_test_init (&argc, &argv, NULL);
    check_add ("/client/a-call-returns-its-answer", test_call);
    check_add ("/client/a-reply-in-pieces", test_reply_in_pieces);
    check_add ("/client/events-around-and-between-the-parts-of-a-reply", test_events_around_reply);
    check_add ("/client/a-refusal-carries-qemu-s-words", test_refused);
    check_add ("/client/an-error-without-id-goes-to-the-oldest", test_error_without_id);
    check_add ("/client/an-error-without-id-is-not-for-out-of-band",
               test_error_without_id_nor_call);
    check_add ("/client/wrong-ids-are-dropped", test_wrong_ids);
    check_add ("/client/unknown-messages-are-dropped", test_wrong_messages);
    check_add ("/client/replies-of-the-wrong-type-are-errors", test_wrong_replies);
    check_add ("/client/a-return-may-be-of-any-type", test_any_return);
    check_add ("/client/an-out-of-band-reply-overtakes", test_oob_overtakes);
    check_add ("/client/a-forgotten-reply-is-dropped", test_forget);
    check_add ("/client/no-more-than-six-outstanding", test_max_outstanding);
    check_add ("/client/a-late-reply-is-dropped", test_late_reply);
    check_add ("/client/a-late-error-without-id-is-not-the-next-call-s",
               test_late_error_without_id);
    check_add ("/client/unanswered-calls-keep-their-places", test_unanswered_fill_places);
    check_add ("/client/a-peer-that-does-not-read-is-a-timeout", test_deaf_peer);
    check_add ("/client/what-was-not-begun-is-not-sent-late", test_deaf_for_a_while);
    check_add ("/client/out-of-band-overtakes-what-is-not-written", test_oob_overtakes_unwritten);
    check_add ("/client/over-pipes", test_pipes);
    check_add ("/client/closed-is-sticky", test_closed);
    check_add ("/client/closed-in-mid-message", test_closed_in_message);
    check_add ("/client/answers-and-events-outlive-the-connection", test_answered_then_closed);
    check_add ("/client/last-words-are-read-when-writing-fails", test_last_words);
    check_add ("/client/a-closed-pipe-raises-no-signal", test_no_signal);
    check_add ("/client/garbage-is-sticky", test_garbage);
    check_add ("/client/too-deep", test_too_deep);
    check_add ("/client/too-long", test_too_long);
    check_add ("/client/a-flood-does-not-delay-the-deadline", test_flood_does_not_delay);
    check_add ("/client/cancel-wakes-a-wait", test_cancel_wakes);
    check_add ("/client/nothing-is-sent-once-cancelled", test_cancelled_is_not_sent);
    check_add ("/client/cancel-works-again-after-a-reset", test_cancel_again);
    check_add ("/client/a-descriptor-comes-with-its-command", test_pass_fd);
    check_add ("/client/a-descriptor-waits-with-its-command", test_pass_fd_later);
    check_add ("/client/a-bad-descriptor-is-refused", test_pass_bad_fd);
    check_add ("/client/a-descriptor-needs-a-unix-socket", test_pass_fd_needs_socket);
    check_add ("/client/an-event-and-its-clocks", test_event);
    check_add ("/client/an-event-without-a-usable-timestamp", test_event_timestamps);
    check_add ("/client/events-are-taken-by-name-in-order", test_event_order);
    check_add ("/client/an-event-that-does-not-come", test_event_timeout);
    check_add ("/client/an-event-that-is-there-needs-no-time", test_event_at_once);
    check_add ("/client/the-oldest-events-are-dropped", test_event_cap);
    check_add ("/client/two-clients-share-a-context", test_shared_context);
    check_add ("/client/iterating-ends-at-the-deadline", test_iterate_deadline);
    check_add ("/client/a-tap-sees-every-message", test_tap);
    return g_test_run ();
}
