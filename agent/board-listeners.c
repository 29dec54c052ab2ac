/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "agent/board-listeners.h"

typedef struct {
    guint handle;
    BoardListener listener;
    gpointer data;
} Listener;

struct BoardListeners {
    GMutex lock;
    GArray *listeners; /* Listener */
    guint last_handle;
};

BoardListeners *
board_listeners_new (void)
{
    BoardListeners *self = g_new0 (BoardListeners, 1);

    g_mutex_init (&self->lock);
    self->listeners = g_array_new (FALSE, FALSE, sizeof (Listener));
    return self;
}

void
board_listeners_free (BoardListeners *self)
{
    g_array_free (self->listeners, TRUE);
    g_mutex_clear (&self->lock);
    g_free (self);
}

guint
board_listeners_add (BoardListeners *self, BoardListener listener, gpointer data)
{
    Listener entry = { .listener = listener, .data = data };

    g_mutex_lock (&self->lock);
    entry.handle = ++self->last_handle;
    g_array_append_val (self->listeners, entry);
    g_mutex_unlock (&self->lock);
    return entry.handle;
}

void
board_listeners_remove (BoardListeners *self, guint handle)
{
    g_mutex_lock (&self->lock);
    for (guint i = 0; i < self->listeners->len; i++)
        if (g_array_index (self->listeners, Listener, i).handle == handle)
            g_array_remove_index (self->listeners, i--);
    g_mutex_unlock (&self->lock);
}

static gboolean
is_there (BoardListeners *self, guint handle)
{
    gboolean found = FALSE;

    g_mutex_lock (&self->lock);
    for (guint i = 0; i < self->listeners->len; i++)
        found |= g_array_index (self->listeners, Listener, i).handle == handle;
    g_mutex_unlock (&self->lock);
    return found;
}

/* Not with the lock held: a listener may add and remove, itself as well. */
void
board_listeners_see (BoardListeners *self, json_object *line)
{
    g_autoptr (GArray) now = NULL;

    g_mutex_lock (&self->lock);
    now = g_array_copy (self->listeners);
    g_mutex_unlock (&self->lock);
    for (guint i = 0; i < now->len; i++) {
        Listener *entry = &g_array_index (now, Listener, i);

        if (is_there (self, entry->handle))
            entry->listener (line, entry->data);
    }
}
