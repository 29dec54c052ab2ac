/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "agent/board.h"

#include "agent/board-listeners.h"
#include "agent/exit-code.h"

/* json-c counts references without atomics, and a line may share parts with what its poster keeps
 * (an event's data). So only copies that nobody else holds cross from one thread to another. */

typedef struct {
    Request *request;
    json_object *answer;
} Answer;

struct Board {
    GMainContext *work;
    GSource *delivery; /* in the main context; ready when a line or an answer waits */
    BoardListeners *listeners;
    GMutex lock;    /* for all below */
    GQueue lines;   /* json_object: posted, not yet seen by the listeners */
    GQueue answers; /* Answer: given, not yet delivered */
    GQueue asked;   /* Request: not yet taken */
    GQueue taken;   /* Request: taken, not yet answered */
    GHashTable *latest;
    json_object *shown; /* to the listeners, at the moment; the main thread's */
    char *text;         /* of it, once one has asked */
    gboolean holds;     /* board_hold() */
    gboolean closed;    /* nobody will take a request any more */
};

static void
request_free (Request *request)
{
    json_object_put (request->arguments);
    g_free (request);
}

static void
line_free (gpointer line)
{
    json_object_put (line);
}

static json_object *
copy_of (json_object *original)
{
    json_object *copy = NULL;

    if (json_object_deep_copy (original, &copy, NULL) != 0)
        g_error ("out of memory");
    return copy;
}

static void
queue_answer (Board *self, Request *request, json_object *answer)
{
    Answer *entry = g_new (Answer, 1);

    *entry = (Answer){ .request = request, .answer = answer };
    g_queue_push_tail (&self->answers, entry);
    g_source_set_ready_time (self->delivery, 0);
}

static void
queue_too_late (Board *self, Request *request)
{
    json_object *answer = json_object_new_object ();

    json_object_object_add (
        answer, "error",
        json_object_new_string ("this qmpmig has done its work and takes no more requests"));
    json_object_object_add (answer, "exit_code", json_object_new_int (EXIT_REFUSED));
    queue_answer (self, request, answer);
}

static void
turn_away (Board *self, GQueue *requests)
{
    Request *request;

    while ((request = g_queue_pop_head (requests)) != NULL)
        queue_too_late (self, request);
}

static gboolean
is_kept (const char *type)
{
    static const char *const kept[] = { "header", "plan", "sample", "result", NULL };

    return type && g_strv_contains (kept, type);
}

static const char *
line_type (json_object *line)
{
    return json_object_get_string (json_object_object_get (line, "type"));
}

/* For board_latest(). Only now, in the thread of the listeners: from here on no other one may touch
 * how often the line is held. */
static void
keep (Board *self, json_object *line)
{
    const char *type = line_type (line);

    if (is_kept (type))
        g_hash_table_insert (self->latest, g_strdup (type), json_object_get (line));
}

static void
deliver_line (Board *self, json_object *line)
{
    self->shown = line;
    board_listeners_see (self->listeners, line);
    self->shown = NULL;
    g_clear_pointer (&self->text, g_free);
    json_object_put (line);
}

const char *
board_text (Board *self)
{
    if (!self->text)
        self->text = qmp_message_text (self->shown);
    return self->text;
}

static void
deliver_answer (Answer *entry)
{
    if (entry->request->answered)
        entry->request->answered (entry->answer, entry->request->data);
    request_free (entry->request);
    json_object_put (entry->answer);
    g_free (entry);
}

/* Lines go before answers: who asked for a cancel sees the line that tells of it first. */
static gboolean
deliver_one (Board *self)
{
    json_object *line;
    Answer *answer = NULL;

    g_mutex_lock (&self->lock);
    line = g_queue_pop_head (&self->lines);
    if (line)
        keep (self, line);
    else
        answer = g_queue_pop_head (&self->answers);
    g_mutex_unlock (&self->lock);

    if (line)
        deliver_line (self, line);
    else if (answer)
        deliver_answer (answer);
    return line || answer;
}

static gboolean
delivery_dispatch (GSource *source, GSourceFunc callback, gpointer data)
{
    g_source_set_ready_time (source, -1);
    return callback (data);
}

static gboolean
deliver (gpointer data)
{
    while (deliver_one (data))
        ;
    return G_SOURCE_CONTINUE;
}

static GSource *
delivery_source (Board *self, GMainContext *main)
{
    static const GSourceFuncs funcs = { .dispatch = delivery_dispatch };
    GSource *source = g_source_new ((GSourceFuncs *)&funcs, sizeof (GSource));

    g_source_set_static_name (source, "board");
    g_source_set_callback (source, deliver, self, NULL);
    g_source_attach (source, main);
    return source;
}

Board *
board_new (GMainContext *main, GMainContext *work)
{
    Board *self = g_new0 (Board, 1);

    g_mutex_init (&self->lock);
    self->work = g_main_context_ref (work ? work : g_main_context_default ());
    self->latest = g_hash_table_new_full (g_str_hash, g_str_equal, g_free, line_free);
    self->listeners = board_listeners_new ();
    self->delivery = delivery_source (self, main);
    return self;
}

void
board_free (Board *self)
{
    if (!self)
        return;
    board_close (self);
    deliver (self);
    g_source_destroy (self->delivery);
    g_source_unref (self->delivery);
    board_listeners_free (self->listeners);
    g_hash_table_unref (self->latest);
    g_main_context_unref (self->work);
    g_mutex_clear (&self->lock);
    g_free (self);
}

void
board_hold (Board *self)
{
    self->holds = TRUE;
}

void
board_deliver (Board *self)
{
    deliver (self);
}

void
board_post_own (Board *self, json_object *line)
{
    gboolean is_last = g_strcmp0 (line_type (line), "result") == 0;

    g_mutex_lock (&self->lock);
    g_queue_push_tail (&self->lines, line);
    /* The result is the last line of a record: what nobody took until now, nobody will. */
    if (is_last) {
        self->closed = TRUE;
        turn_away (self, &self->asked);
    }
    g_mutex_unlock (&self->lock);
    /* Not with the lock: who is woken wants it at once. */
    if (!self->holds)
        g_source_set_ready_time (self->delivery, 0);
}

void
board_post (Board *self, json_object *line)
{
    json_object *ours = copy_of (line);

    json_object_put (line);
    board_post_own (self, ours);
}

Request *
board_take (Board *self)
{
    Request *request;

    g_mutex_lock (&self->lock);
    request = g_queue_pop_head (&self->asked);
    if (request)
        g_queue_push_tail (&self->taken, request);
    g_mutex_unlock (&self->lock);
    return request;
}

void
board_answer (Board *self, Request *request, json_object *answer)
{
    json_object *ours = answer ? copy_of (answer) : json_object_new_object ();

    json_object_put (answer);
    g_mutex_lock (&self->lock);
    if (g_queue_remove (&self->taken, request))
        queue_answer (self, request, ours);
    else /* board_close() has answered already */
        json_object_put (ours);
    g_mutex_unlock (&self->lock);
}

void
board_close (Board *self)
{
    g_mutex_lock (&self->lock);
    self->closed = TRUE;
    turn_away (self, &self->taken);
    turn_away (self, &self->asked);
    g_mutex_unlock (&self->lock);
}

guint
board_listen (Board *self, BoardListener listener, gpointer data)
{
    return board_listeners_add (self->listeners, listener, data);
}

void
board_unlisten (Board *self, guint handle)
{
    board_listeners_remove (self->listeners, handle);
}

void
board_ask (Board *self, Request *request)
{
    json_object *arguments =
        request->arguments ? copy_of (request->arguments) : json_object_new_object ();

    json_object_put (request->arguments);
    request->arguments = arguments;
    g_mutex_lock (&self->lock);
    if (self->closed)
        queue_too_late (self, request);
    else
        g_queue_push_tail (&self->asked, request);
    g_mutex_unlock (&self->lock);
    g_main_context_wakeup (self->work);
}

/* The newest that no listener has seen yet, or NULL. */
static json_object *
find_waiting (Board *self, const char *type)
{
    for (GList *link = self->lines.tail; link; link = link->prev)
        if (g_strcmp0 (line_type (link->data), type) == 0)
            return link->data;
    return NULL;
}

json_object *
board_latest (Board *self, const char *type)
{
    json_object *line = NULL;

    g_mutex_lock (&self->lock);
    if (is_kept (type))
        line = find_waiting (self, type);
    if (!line)
        line = g_hash_table_lookup (self->latest, type);
    line = line ? copy_of (line) : NULL;
    g_mutex_unlock (&self->lock);
    return line;
}
