/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "tests/unit/session.h"

#include "qmp/value.h"
#include "tests/unit/check.h"

static void
try_peer (Session *session, ScriptPeer *peer, QmpClientOptions options, GError **error)
{
    g_autoptr (GIOStream) stream = script_peer_take_stream (peer);

    session->peer = peer;
    session->context = g_main_context_new ();
    if (!session->cancel)
        session->cancel = g_cancellable_new ();
    options.label = options.label ? options.label : "source";
    options.cancel = session->cancel;
    if (options.greeting_timeout_us == 0)
        options.greeting_timeout_us = LONG_US;
    session->client = qmp_client_open_stream (session->context, stream, &options, error);
}

void
session_try (Session *session, const Step *steps, QmpClientOptions options, GError **error)
{
    try_peer (session, script_peer_start (steps), options, error);
}

void
session_try_pipes (Session *session, const Step *steps, QmpClientOptions options, GError **error)
{
    try_peer (session, script_peer_start_pipes (steps), options, error);
}

void
session_open (Session *session, const Step *steps)
{
    g_autoptr (GError) error = NULL;

    session_try (session, steps, (QmpClientOptions){ 0 }, &error);
    g_assert_no_error (error);
    g_assert_nonnull (session->client);
}

void
session_clear (Session *session)
{
    g_clear_pointer (&session->client, qmp_client_close);
    g_clear_pointer (&session->peer, script_peer_finish);
    g_clear_pointer (&session->context, g_main_context_unref);
    g_clear_object (&session->cancel);
}

void
session_expect_answer (Session *session, gint64 n)
{
    g_autoptr (GError) error = NULL;
    g_autoptr (json_object) value = qmp_client_call (session->client, "query-status", NULL, &error);

    g_assert_no_error (error);
    g_assert_cmpint (json_object_get_int64 (qmp_peek (value, "n")), ==, n);
}

void
session_expect_error (Session *session, int code, const char *words)
{
    g_autoptr (GError) error = NULL;

    g_assert_null (qmp_client_call_full (session->client, "query-status", NULL, QMP_CALL_DEFAULT,
                                         LONG_US, &error));
    check_error (error, code, words);
}

json_object *
session_large_arguments (void)
{
    g_autofree char *filler = g_strnfill (1024 * 1024, 'x');

    return qmp_object ("filler", json_object_new_string (filler), NULL);
}
