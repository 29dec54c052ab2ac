/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "agent/control-socket.h"

#include <glib-unix.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include "agent/exit-code.h"

/* Callers run in threads of their own and block, as other processes would; the server runs here. */
#define PATIENCE_US (10 * G_USEC_PER_SEC)

typedef struct {
    char *dir;           /* the runtime folder */
    QmpAddress *monitor; /* a socket that somebody listens at, as QEMU would */
    ControlFd qemu;
    Board *board;
    ControlServer *server;
    gint done; /* callers */
} Fixture;

static int
listen_at (const char *path)
{
    struct sockaddr_un address = { .sun_family = AF_UNIX };
    int fd = socket (AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);

    g_strlcpy (address.sun_path, path, sizeof address.sun_path);
    g_assert_cmpint (bind (fd, (struct sockaddr *)&address, sizeof address), ==, 0);
    g_assert_cmpint (listen (fd, 1), ==, 0);
    return fd;
}

static ControlServer *
serve (Fixture *self, GError **error)
{
    const QmpAddress *monitors[] = { self->monitor, self->monitor, NULL };

    return control_server_new (self->board, monitors, error);
}

static void
setup (Fixture *self, gconstpointer data)
{
    g_autoptr (GError) error = NULL;
    g_autofree char *path = NULL;

    self->dir = control_runtime_dir ();
    path = g_build_filename (self->dir, "qmp.sock", NULL);
    self->qemu = listen_at (path);
    self->monitor = qmp_address_parse (path, &error);
    g_assert_no_error (error);
    self->board = board_new (NULL, NULL);
    self->server = serve (self, &error);
    g_assert_no_error (error);
}

static void
teardown (Fixture *self, gconstpointer data)
{
    g_autofree char *control = g_build_filename (self->dir, "control", NULL);

    control_server_free (self->server);
    board_free (self->board);
    control_fd_close (self->qemu);
    unlink (self->monitor->path);
    /* Fails when a socket was left behind. */
    g_assert_cmpint (g_rmdir (control), ==, 0);
    qmp_address_free (self->monitor);
    g_free (self->dir);
}

/* Runs CALLER in its thread and the server here until it is done. ANSWERED takes the requests. */
static void
run_with (Fixture *self, GThreadFunc caller, void (*answered) (Fixture *self, Request *request))
{
    GThread *thread = g_thread_new ("caller", caller, self);
    gint64 deadline_us = g_get_monotonic_time () + PATIENCE_US;

    while (!g_atomic_int_get (&self->done)) {
        Request *request;

        g_main_context_iteration (NULL, FALSE);
        while (answered && (request = board_take (self->board)) != NULL)
            answered (self, request);
        g_assert_cmpint (g_get_monotonic_time (), <, deadline_us);
        g_usleep (200);
    }
    g_thread_join (thread);
}

static gpointer
done (Fixture *self)
{
    g_atomic_int_set (&self->done, TRUE);
    return NULL;
}

static ControlClient *
client_of (Fixture *self)
{
    g_autoptr (GError) error = NULL;
    ControlClient *client = control_client_open (self->monitor, &error);

    g_assert_no_error (error);
    g_assert_nonnull (client);
    return client;
}

static json_object *
line_of (const char *type)
{
    return qmp_object ("type", json_object_new_string (type), NULL);
}

static json_object *
event_of (const char *name)
{
    return qmp_object ("type", json_object_new_string ("event"), "name",
                       json_object_new_string (name), NULL);
}

static gpointer
ask_for_things (gpointer data)
{
    Fixture *self = data;
    g_autoptr (ControlClient) client = client_of (self);
    g_autoptr (GError) error = NULL;
    g_autoptr (json_object) status = NULL;
    g_autoptr (json_object) set = NULL;
    json_object *refused;

    status = control_client_call (client, "status", NULL, PATIENCE_US, &error);
    g_assert_no_error (error);
    g_assert_cmpstr (qmp_peek_string (status, "header.type", ""), ==, "header");
    g_assert_null (qmp_peek (status, "sample"));
    g_assert_cmpuint (qmp_peek_uint (status, "monitor", 1), ==, 0);
    g_assert_cmpuint (qmp_peek_uint (status, "pid", 0), ==, getpid ());
    g_assert_cmpint (control_client_pid (client), ==, getpid ());

    set = control_client_call (client, "set",
                               qmp_object ("deadline", json_object_new_string ("9s"), NULL),
                               PATIENCE_US, &error);
    g_assert_no_error (error);
    g_assert_cmpstr (qmp_peek_string (set, "deadline", ""), ==, "9s");

    refused = control_client_call (client, "cancel", NULL, PATIENCE_US, &error);
    g_assert_null (refused);
    g_assert_error (error, CONTROL_ERROR, EXIT_REFUSED);
    g_assert_cmpstr (error->message, ==, "it is in postcopy");
    g_clear_error (&error);

    refused = control_client_call (client, "dance", NULL, PATIENCE_US, &error);
    g_assert_null (refused);
    g_assert_error (error, CONTROL_ERROR, EXIT_USAGE);
    return done (self);
}

static void
echo_or_refuse (Fixture *self, Request *request)
{
    json_object *answer = request->kind == REQUEST_SET ? json_object_get (request->arguments)
                                                       : json_object_new_object ();

    if (request->kind == REQUEST_CANCEL) {
        json_object_object_add (answer, "error", json_object_new_string ("it is in postcopy"));
        json_object_object_add (answer, "exit_code", json_object_new_int (EXIT_REFUSED));
    }
    board_answer (self->board, request, answer);
}

static void
requests_are_answered (Fixture *self, gconstpointer data)
{
    board_post (self->board, line_of ("header"));
    run_with (self, ask_for_things, echo_or_refuse);
}

static char *
rest_of (ControlClient *client)
{
    g_autoptr (GError) error = NULL;
    g_autoptr (GString) types = g_string_new (NULL);
    json_object *line;

    while ((line = control_client_next (client, PATIENCE_US, &error)) != NULL) {
        g_string_append_printf (types, "%s ",
                                qmp_peek_string (line, "name", qmp_peek_string (line, "type", "")));
        json_object_put (line);
    }
    g_assert_no_error (error);
    return g_string_free (g_steal_pointer (&types), FALSE);
}

static gpointer
watch_it (gpointer data)
{
    Fixture *self = data;
    g_autoptr (ControlClient) watcher = client_of (self);
    g_autoptr (ControlClient) listener = client_of (self);
    g_autoptr (ControlClient) third = client_of (self);
    g_autoptr (GError) error = NULL;
    json_object *names = json_object_new_array ();
    g_autofree char *lines = NULL;
    g_autofree char *events = NULL;

    json_object_array_add (names, json_object_new_string ("STOP"));
    json_object_put (control_client_call (listener, "events", qmp_object ("names", names, NULL),
                                          PATIENCE_US, &error));
    g_assert_no_error (error);
    json_object_put (control_client_call (watcher, "watch", NULL, PATIENCE_US, &error));
    g_assert_no_error (error);
    /* The migration goes on only now. */
    json_object_put (control_client_call (third, "get", NULL, PATIENCE_US, &error));
    g_assert_no_error (error);
    lines = rest_of (watcher);
    events = rest_of (listener);
    g_assert_cmpstr (lines, ==, "header sample RESUME STOP result ");
    g_assert_cmpstr (events, ==, "STOP result ");
    return done (self);
}

static void
go_on (Fixture *self, Request *request)
{
    board_answer (self->board, request, NULL);
    board_post (self->board, event_of ("RESUME"));
    board_post (self->board, event_of ("STOP"));
    board_post (self->board, line_of ("result"));
}

static void
a_watch_has_the_record_until_the_result (Fixture *self, gconstpointer data)
{
    board_post (self->board, line_of ("sample"));
    board_post (self->board, line_of ("header"));
    while (g_main_context_iteration (NULL, FALSE))
        ;
    run_with (self, watch_it, go_on);
}

static void
a_second_steering_is_refused (Fixture *self, gconstpointer data)
{
    g_autoptr (GError) error = NULL;
    g_autofree char *mine = g_strdup_printf ("qmpmig (pid %d)", (int)getpid ());

    g_assert_null (serve (self, &error));
    g_assert_error (error, CONTROL_ERROR, EXIT_UNREACHABLE);
    g_assert_nonnull (strstr (error->message, mine));
}

static void
a_stale_socket_is_replaced (Fixture *self, gconstpointer data)
{
    g_autoptr (GError) error = NULL;
    g_autofree char *path = control_path (self->monitor, &error);
    struct stat before, after;

    /* As a qmpmig that was killed leaves it. */
    g_clear_pointer (&self->server, control_server_free);
    close (listen_at (path));
    g_assert_cmpint (stat (path, &before), ==, 0);
    g_assert_null (control_client_open (self->monitor, &error));
    g_assert_no_error (error);

    self->server = serve (self, &error);
    g_assert_no_error (error);
    g_assert_cmpint (stat (path, &after), ==, 0);
    g_assert_cmpint (after.st_mode & 07777, ==, 0600);
    control_client_close (client_of (self));
}

static void
without_a_server_there_is_nobody (Fixture *self, gconstpointer data)
{
    g_autoptr (GError) error = NULL;

    g_clear_pointer (&self->server, control_server_free);
    g_assert_null (control_client_open (self->monitor, &error));
    g_assert_no_error (error);
}

static void
a_folder_open_to_others_is_refused (Fixture *self, gconstpointer data)
{
    g_autofree char *control = g_build_filename (self->dir, "control", NULL);
    g_autoptr (GError) error = NULL;

    g_clear_pointer (&self->server, control_server_free);
    g_chmod (control, 0755);
    g_assert_null (serve (self, &error));
    g_assert_error (error, CONTROL_ERROR, EXIT_USAGE);
}

static gpointer
send_too_much (gpointer data)
{
    Fixture *self = data;
    g_autofree char *path = control_path (self->monitor, NULL);
    g_auto (ControlFd) fd = control_connect (path);
    g_autofree char *text = g_strnfill (CONTROL_MAX_REQUEST_BYTES + 1, ' ');
    char answer[256] = "";
    gsize length = 0;
    gssize got;

    g_unix_set_fd_nonblocking (fd, FALSE, NULL);
    memcpy (text, "{\"a\":\"", 6);
    g_assert_cmpint (send (fd, text, CONTROL_MAX_REQUEST_BYTES + 1, MSG_NOSIGNAL), >, 0);
    while ((got = recv (fd, answer + length, sizeof answer - 1 - length, 0)) > 0)
        length += (gsize)got;
    g_assert_true (g_str_has_prefix (answer, "{\"error\":\""));
    return done (self);
}

static void
an_endless_request_is_cut_off (Fixture *self, gconstpointer data)
{
    run_with (self, send_too_much, NULL);
}

static gpointer
watch_and_sleep (gpointer data)
{
    Fixture *self = data;
    g_autoptr (ControlClient) client = client_of (self);
    g_autoptr (ControlClient) other = client_of (self);
    g_autoptr (GError) error = NULL;
    json_object *line;
    guint lines = 0;

    json_object_put (control_client_call (client, "watch", NULL, PATIENCE_US, &error));
    g_assert_no_error (error);
    json_object_put (control_client_call (other, "get", NULL, PATIENCE_US, &error));
    g_assert_no_error (error);
    /* By now 4 MiB were offered; what is in the socket is still ours, and then it ends. */
    while ((line = control_client_next (client, PATIENCE_US, &error)) != NULL) {
        json_object_put (line);
        lines++;
    }
    g_assert_cmpuint (lines, <, 4096);
    return done (self);
}

static void
flood (Fixture *self, Request *request)
{
    g_autofree char *text = g_strnfill (1024, 'x');

    for (int i = 0; i < 4096; i++)
        board_post (self->board, qmp_object ("type", json_object_new_string ("notice"), "text",
                                             json_object_new_string (text), NULL));
    board_answer (self->board, request, NULL);
}

static void
a_watcher_that_does_not_read_is_given_up (Fixture *self, gconstpointer data)
{
    run_with (self, watch_and_sleep, flood);
}

static gpointer
ask_and_leave (gpointer data)
{
    Fixture *self = data;
    g_autofree char *path = control_path (self->monitor, NULL);
    g_auto (ControlFd) fd = control_connect (path);
    static const char request[] = "{\"command\":\"cancel\"}\n";

    g_assert_cmpint (send (fd, request, sizeof request - 1, MSG_NOSIGNAL), ==, sizeof request - 1);
    return NULL;
}

static void
note_and_answer (Fixture *self, Request *request)
{
    g_assert_cmpint (request->kind, ==, REQUEST_CANCEL);
    for (int i = 0; i < 10; i++)
        g_main_context_iteration (NULL, FALSE); /* sees that the caller has gone */
    board_answer (self->board, request, NULL);
    while (g_main_context_iteration (NULL, FALSE))
        ;
    done (self);
}

static void
a_caller_may_go_before_his_answer (Fixture *self, gconstpointer data)
{
    run_with (self, ask_and_leave, note_and_answer);
}

static gpointer
ask_many_at_once (gpointer data)
{
    Fixture *self = data;
    g_autoptr (GPtrArray) clients =
        g_ptr_array_new_with_free_func ((GDestroyNotify)control_client_close);
    g_autoptr (GError) error = NULL;

    for (int i = 0; i < 40; i++)
        g_ptr_array_add (clients, client_of (self));
    for (guint i = 0; i < clients->len; i++) {
        json_object_put (
            control_client_call (g_ptr_array_index (clients, i), "get", NULL, PATIENCE_US, &error));
        g_assert_no_error (error);
    }
    return done (self);
}

static void
many_may_ask_at_once (Fixture *self, gconstpointer data)
{
    run_with (self, ask_many_at_once, echo_or_refuse);
}

static void
only_our_uid_and_root_are_trusted (void)
{
    g_assert_true (control_uid_is_trusted (1000, 1000));
    g_assert_true (control_uid_is_trusted (1000, 0));
    g_assert_false (control_uid_is_trusted (1000, 1001));
    g_assert_false (control_uid_is_trusted (0, 1000));
}

static void
assert_path (const char *address, const char *name)
{
    g_autofree char *dir = control_runtime_dir ();
    g_autofree char *expected = g_build_filename (dir, "control", name, NULL);
    g_autoptr (GError) error = NULL;
    g_autoptr (QmpAddress) monitor = qmp_address_parse (address, &error);
    g_autofree char *path = NULL;

    g_assert_no_error (error);
    path = control_path (monitor, &error);
    g_assert_no_error (error);
    g_assert_cmpstr (path, ==, expected);
}

static void
the_path_follows_the_monitor (void)
{
    assert_path ("tcp:127.0.0.1:4444", "tcp-localhost-4444.sock");
    assert_path ("tcp:[::1]:4444", "tcp-localhost-4444.sock");
    assert_path ("tcp:Host.Example:1", "tcp-host.example-1.sock");
}

#define ADD(name, function) g_test_add (name, Fixture, NULL, setup, function, teardown)

int
main (int argc, char **argv)
{
    g_autofree char *dir = g_dir_make_tmp ("qmpmig-test-XXXXXX", NULL);
    g_autofree char *environment = g_strconcat (dir, ":/run/second", NULL);
    int status;

    g_test_init (&argc, &argv, NULL);
    g_assert_nonnull (dir);
    g_setenv ("RUNTIME_DIRECTORY", environment, TRUE);
    g_test_add_func ("/control/only-our-uid-and-root-are-trusted",
                     only_our_uid_and_root_are_trusted);
    g_test_add_func ("/control/path-follows-the-monitor", the_path_follows_the_monitor);
    ADD ("/control/requests-are-answered", requests_are_answered);
    ADD ("/control/watch-has-the-record-until-the-result", a_watch_has_the_record_until_the_result);
    ADD ("/control/second-steering-is-refused", a_second_steering_is_refused);
    ADD ("/control/stale-socket-is-replaced", a_stale_socket_is_replaced);
    ADD ("/control/without-a-server-there-is-nobody", without_a_server_there_is_nobody);
    ADD ("/control/folder-open-to-others-is-refused", a_folder_open_to_others_is_refused);
    ADD ("/control/endless-request-is-cut-off", an_endless_request_is_cut_off);
    ADD ("/control/watcher-that-does-not-read-is-given-up",
         a_watcher_that_does_not_read_is_given_up);
    ADD ("/control/caller-may-go-before-his-answer", a_caller_may_go_before_his_answer);
    ADD ("/control/many-may-ask-at-once", many_may_ask_at_once);
    status = g_test_run ();
    g_assert_cmpint (g_rmdir (dir), ==, 0);
    return status;
}
