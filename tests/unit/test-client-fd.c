/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Descriptors that go with a command. */
#include "qmp/value.h"
#include "tests/unit/check.h"
#include "tests/unit/session.h"

#include <string.h>
#include <unistd.h>

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
    qmp_client_send (session.client, "one", session_large_arguments (), QMP_CALL_DEFAULT, NULL);
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

int
main (int argc, char **argv)
{
    g_test_init (&argc, &argv, NULL);
    check_add ("/client-fd/a-descriptor-comes-with-its-command", test_pass_fd);
    check_add ("/client-fd/a-descriptor-waits-with-its-command", test_pass_fd_later);
    check_add ("/client-fd/a-bad-descriptor-is-refused", test_pass_bad_fd);
    check_add ("/client-fd/a-descriptor-needs-a-unix-socket", test_pass_fd_needs_socket);
    return g_test_run ();
}
