/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* What ends a connection, or a wait: the peer goes, sends what is no QMP, or the caller cancels. */
#include "qmp/value.h"
#include "tests/unit/check.h"
#include "tests/unit/session.h"

#include <signal.h>

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

int
main (int argc, char **argv)
{
    g_test_init (&argc, &argv, NULL);
    check_add ("/client-end/closed-is-sticky", test_closed);
    check_add ("/client-end/closed-in-mid-message", test_closed_in_message);
    check_add ("/client-end/answers-and-events-outlive-the-connection", test_answered_then_closed);
    check_add ("/client-end/last-words-are-read-when-writing-fails", test_last_words);
    check_add ("/client-end/a-closed-pipe-raises-no-signal", test_no_signal);
    check_add ("/client-end/garbage-is-sticky", test_garbage);
    check_add ("/client-end/too-deep", test_too_deep);
    check_add ("/client-end/too-long", test_too_long);
    check_add ("/client-end/cancel-wakes-a-wait", test_cancel_wakes);
    check_add ("/client-end/nothing-is-sent-once-cancelled", test_cancelled_is_not_sent);
    check_add ("/client-end/cancel-works-again-after-a-reset", test_cancel_again);
    return g_test_run ();
}
