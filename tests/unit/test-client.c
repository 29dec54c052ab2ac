/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* A negotiated connection: calls, and what is answered. */
#include "qmp/value.h"
#include "tests/unit/check.h"
#include "tests/unit/session.h"

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
    return g_test_run ();
}
