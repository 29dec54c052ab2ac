/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "agent/board.h"

#include "agent/exit-code.h"
#include "qmp/value.h"

#define LINES 1000

typedef struct {
    GMainContext *main, *work;
    Board *board;
    GThread *reader;  /* the thread that the listener must run in */
    GPtrArray *seen;  /* of each line its number, or its type */
    json_object *got; /* the newest answer */
} Fixture;

static void
setup (Fixture *self, gconstpointer data)
{
    self->main = g_main_context_new ();
    self->work = g_main_context_new ();
    self->board = board_new (self->main, self->work);
    self->reader = g_thread_self ();
    self->seen = g_ptr_array_new_with_free_func (g_free);
}

static void
teardown (Fixture *self, gconstpointer data)
{
    board_free (self->board);
    g_main_context_unref (self->main);
    g_main_context_unref (self->work);
    g_ptr_array_unref (self->seen);
    json_object_put (self->got);
}

static void
note_line (json_object *line, gpointer data)
{
    Fixture *self = data;

    g_assert_true (g_thread_self () == self->reader);
    g_ptr_array_add (self->seen, g_strdup (qmp_peek_string (line, "type", "")));
}

static void
note_answer (json_object *answer, gpointer data)
{
    Fixture *self = data;

    g_assert_true (g_thread_self () == self->reader);
    json_object_put (self->got);
    self->got = json_object_get (answer);
    g_ptr_array_add (self->seen, g_strdup ("answer"));
}

static json_object *
line_of (const char *type)
{
    return qmp_object ("type", json_object_new_string (type), NULL);
}

static Request *
request_of (Fixture *self, RequestKind kind)
{
    Request *request = g_new0 (Request, 1);

    *request = (Request){ .kind = kind, .answered = note_answer, .data = self };
    return request;
}

static char *
all_seen (Fixture *self)
{
    while (g_main_context_iteration (self->main, FALSE))
        ;
    g_ptr_array_add (self->seen, NULL);
    return g_strjoinv (" ", (char **)self->seen->pdata);
}

static gpointer
post_many (gpointer data)
{
    Board *board = data;

    for (int i = 0; i < LINES; i++) {
        g_autofree char *number = g_strdup_printf ("%d", i);

        board_post (board, line_of (number));
    }
    return NULL;
}

static void
lines_keep_their_order (Fixture *self, gconstpointer data)
{
    GThread *thread;

    board_listen (self->board, note_line, self);
    thread = g_thread_new ("work", post_many, self->board);
    while (self->seen->len < LINES)
        g_main_context_iteration (self->main, TRUE);
    g_thread_join (thread);
    for (int i = 0; i < LINES; i++)
        g_assert_cmpint (atoi (g_ptr_array_index (self->seen, (guint)i)), ==, i);
}

static gpointer
wait_and_answer (gpointer data)
{
    Fixture *self = data;
    Request *request;

    while ((request = board_take (self->board)) == NULL)
        g_main_context_iteration (self->work, TRUE);
    g_assert_cmpint (request->kind, ==, REQUEST_CANCEL);
    g_assert_cmpint (json_object_object_length (request->arguments), ==, 0);
    board_post (self->board, line_of ("sample"));
    board_answer (self->board, request, qmp_object ("done", json_object_new_boolean (TRUE), NULL));
    return NULL;
}

static void
a_request_wakes_and_is_answered_after_the_lines (Fixture *self, gconstpointer data)
{
    GThread *thread = g_thread_new ("work", wait_and_answer, self);
    g_autofree char *seen = NULL;

    board_listen (self->board, note_line, self);
    g_usleep (10 * 1000); /* it sleeps by now */
    board_ask (self->board, request_of (self, REQUEST_CANCEL));
    while (!self->got)
        g_main_context_iteration (self->main, TRUE);
    g_thread_join (thread);
    seen = all_seen (self);
    g_assert_cmpstr (seen, ==, "sample answer");
    g_assert_true (qmp_peek_bool (self->got, "done", FALSE));
}

static void
the_newest_of_a_type_is_kept (Fixture *self, gconstpointer data)
{
    json_object *shared = json_object_new_string ("one");
    json_object *line = line_of ("sample");
    g_autoptr (json_object) latest = NULL;
    g_autoptr (json_object) event = NULL;

    board_post (self->board, line_of ("sample"));
    json_object_object_add (line, "text", json_object_get (shared));
    board_post (self->board, line);
    board_post (self->board, line_of ("event"));

    /* The poster may do with its own what it likes. */
    json_object_set_string (shared, "two");
    json_object_put (shared);
    latest = board_latest (self->board, "sample");
    event = board_latest (self->board, "event");
    g_assert_cmpstr (qmp_peek_string (latest, "text", ""), ==, "one");
    g_assert_null (event);
}

static void
assert_turned_away (Fixture *self)
{
    while (g_main_context_iteration (self->main, FALSE))
        ;
    g_assert_nonnull (self->got);
    g_assert_cmpuint (qmp_peek_uint (self->got, "exit_code", 0), ==, EXIT_REFUSED);
    g_assert_nonnull (qmp_peek_string (self->got, "error", NULL));
}

static void
after_the_result_nobody_waits_in_vain (Fixture *self, gconstpointer data)
{
    board_ask (self->board, request_of (self, REQUEST_SET));
    board_post (self->board, line_of ("result"));
    assert_turned_away (self);
    g_assert_null (board_take (self->board));

    g_clear_pointer (&self->got, json_object_put);
    board_ask (self->board, request_of (self, REQUEST_SET));
    assert_turned_away (self);
}

static void
what_is_held_waits_to_be_delivered (Fixture *self, gconstpointer data)
{
    board_listen (self->board, note_line, self);
    board_hold (self->board);
    board_post (self->board, line_of ("sample"));
    while (g_main_context_iteration (self->main, FALSE))
        continue;
    g_assert_cmpuint (self->seen->len, ==, 0);
    board_deliver (self->board);
    g_assert_cmpuint (self->seen->len, ==, 1);
}

static void
a_taken_request_is_answered_when_the_board_closes (Fixture *self, gconstpointer data)
{
    board_ask (self->board, request_of (self, REQUEST_GET));
    g_assert_nonnull (board_take (self->board));
    board_close (self->board);
    assert_turned_away (self);
}

static void
freeing_the_board_delivers_what_waits (void)
{
    Fixture self = { 0 };
    g_autofree char *seen = NULL;

    setup (&self, NULL);
    board_listen (self.board, note_line, &self);
    board_post (self.board, line_of ("notice"));
    board_ask (self.board, request_of (&self, REQUEST_GET));
    board_free (g_steal_pointer (&self.board));
    seen = all_seen (&self);
    g_assert_cmpstr (seen, ==, "notice answer");
    teardown (&self, NULL);
}

typedef struct {
    Fixture *fixture;
    guint other;
} Remover;

static void
remove_the_other (json_object *line, gpointer data)
{
    Remover *remover = data;

    board_unlisten (remover->fixture->board, remover->other);
}

static void
a_listener_taken_away_meanwhile_is_not_called (Fixture *self, gconstpointer data)
{
    Remover remover = { .fixture = self };
    g_autofree char *seen = NULL;

    board_listen (self->board, remove_the_other, &remover);
    remover.other = board_listen (self->board, note_line, self);
    board_post (self->board, line_of ("notice"));
    seen = all_seen (self);
    g_assert_cmpstr (seen, ==, "");
}

#define ADD(name, function) g_test_add (name, Fixture, NULL, setup, function, teardown)

int
main (int argc, char **argv)
{
    g_test_init (&argc, &argv, NULL);
    ADD ("/board/lines-keep-their-order", lines_keep_their_order);
    ADD ("/board/request-wakes-and-is-answered-after-the-lines",
         a_request_wakes_and_is_answered_after_the_lines);
    ADD ("/board/newest-of-a-type-is-kept", the_newest_of_a_type_is_kept);
    ADD ("/board/after-the-result-nobody-waits-in-vain", after_the_result_nobody_waits_in_vain);
    ADD ("/board/taken-request-is-answered-at-close",
         a_taken_request_is_answered_when_the_board_closes);
    ADD ("/board/what-is-held-waits-to-be-delivered", what_is_held_waits_to_be_delivered);
    g_test_add_func ("/board/free-delivers-what-waits", freeing_the_board_delivers_what_waits);
    ADD ("/board/listener-taken-away-is-not-called", a_listener_taken_away_meanwhile_is_not_called);
    return g_test_run ();
}
