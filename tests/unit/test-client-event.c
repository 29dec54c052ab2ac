/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Events are kept, taken and waited for; and what else goes past a caller: other clients, taps. */
#include "qmp/value.h"
#include "tests/unit/check.h"
#include "tests/unit/session.h"

#include <string.h>

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

/* --- beside the calls --- */

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
    check_add ("/client-event/an-event-and-its-clocks", test_event);
    check_add ("/client-event/an-event-without-a-usable-timestamp", test_event_timestamps);
    check_add ("/client-event/events-are-taken-by-name-in-order", test_event_order);
    check_add ("/client-event/an-event-that-does-not-come", test_event_timeout);
    check_add ("/client-event/an-event-that-is-there-needs-no-time", test_event_at_once);
    check_add ("/client-event/the-oldest-events-are-dropped", test_event_cap);
    check_add ("/client-event/two-clients-share-a-context", test_shared_context);
    check_add ("/client-event/iterating-ends-at-the-deadline", test_iterate_deadline);
    check_add ("/client-event/a-tap-sees-every-message", test_tap);
    return g_test_run ();
}
