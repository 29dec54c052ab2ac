/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* libvirt's own default implementation of its events sits on GLib's default context, which is the
 * program's: its thread would run the program's sources, or the program's main thread libvirt's. */
#include "agent/libvirt/loop.h"

#include <glib-unix.h>
#include <libvirt/libvirt.h>
#include <libvirt/virterror.h>

/* A descriptor (FD >= 0) or a timer that libvirt wants watched. */
typedef struct {
    int id;
    int fd;
    virEventHandleCallback on_fd;
    virEventTimeoutCallback on_time;
    virFreeCallback free_data;
    void *data;
    GSource *source; /* NULL: nothing to wait for now */
} Watch;

static GMainContext *context;
static GMutex lock; /* of what follows */
static GHashTable *watches;
static int last_id;

void
loop_post (GSourceFunc func, gpointer data)
{
    GSource *source = g_idle_source_new ();

    g_source_set_priority (source, G_PRIORITY_DEFAULT);
    g_source_set_callback (source, func, data, NULL);
    g_source_attach (source, context);
    g_source_unref (source);
}

static void
watch_stop (Watch *self)
{
    if (!self->source)
        return;
    g_source_destroy (self->source);
    g_clear_pointer (&self->source, g_source_unref);
}

/* libvirt may be in the middle of a callback with these data, in the loop. */
static gboolean
free_later (gpointer data)
{
    Watch *self = data;

    if (self->free_data)
        self->free_data (self->data);
    g_free (self);
    return G_SOURCE_REMOVE;
}

static int
watch_remove (int id)
{
    Watch *self;

    g_mutex_lock (&lock);
    self = g_hash_table_lookup (watches, GINT_TO_POINTER (id));
    if (self) {
        watch_stop (self);
        g_hash_table_remove (watches, GINT_TO_POINTER (id));
    }
    g_mutex_unlock (&lock);
    if (self)
        loop_post (free_later, self);
    return self ? 0 : -1;
}

/* What is called is as it is now: it may be gone, or wait for something else. */
static gboolean
watch_peek (gpointer id, Watch *ret_watch)
{
    Watch *found;

    g_mutex_lock (&lock);
    found = g_hash_table_lookup (watches, id);
    if (found)
        *ret_watch = *found;
    g_mutex_unlock (&lock);
    return found != NULL;
}

static gboolean
on_ready (int fd, GIOCondition condition, gpointer id)
{
    Watch watch;
    int events = 0;

    if (!watch_peek (id, &watch))
        return G_SOURCE_REMOVE;
    if (condition & G_IO_IN)
        events |= VIR_EVENT_HANDLE_READABLE;
    if (condition & G_IO_OUT)
        events |= VIR_EVENT_HANDLE_WRITABLE;
    if (condition & (G_IO_ERR | G_IO_NVAL))
        events |= VIR_EVENT_HANDLE_ERROR;
    if (condition & G_IO_HUP)
        events |= VIR_EVENT_HANDLE_HANGUP;
    watch.on_fd (watch.id, fd, events, watch.data);
    return G_SOURCE_CONTINUE;
}

static gboolean
on_time (gpointer id)
{
    Watch watch;

    if (!watch_peek (id, &watch))
        return G_SOURCE_REMOVE;
    watch.on_time (watch.id, watch.data);
    return G_SOURCE_CONTINUE;
}

static void
watch_start (Watch *self, GSource *source, GSourceFunc func)
{
    watch_stop (self);
    if (!source)
        return;
    g_source_set_callback (source, func, GINT_TO_POINTER (self->id), NULL);
    g_source_attach (source, context);
    self->source = source;
}

static GSource *
fd_source (int fd, int events)
{
    GIOCondition condition = G_IO_ERR | G_IO_HUP | G_IO_NVAL;

    if (events == 0)
        return NULL;
    if (events & VIR_EVENT_HANDLE_READABLE)
        condition |= G_IO_IN;
    if (events & VIR_EVENT_HANDLE_WRITABLE)
        condition |= G_IO_OUT;
    return g_unix_fd_source_new (fd, condition);
}

static GSource *
time_source (int period_ms)
{
    return period_ms < 0 ? NULL : g_timeout_source_new ((guint)period_ms);
}

static int
watch_add (Watch *self, GSource *source, GSourceFunc func)
{
    int id;

    g_mutex_lock (&lock);
    id = self->id = ++last_id;
    g_hash_table_insert (watches, GINT_TO_POINTER (id), self);
    watch_start (self, source, func);
    g_mutex_unlock (&lock);
    return id;
}

static int
add_handle (int fd, int events, virEventHandleCallback func, void *data, virFreeCallback free_data)
{
    Watch *self = g_new0 (Watch, 1);

    self->fd = fd;
    self->on_fd = func;
    self->data = data;
    self->free_data = free_data;
    return watch_add (self, fd_source (fd, events), G_SOURCE_FUNC (on_ready));
}

static void
update_handle (int id, int events)
{
    Watch *self;

    g_mutex_lock (&lock);
    self = g_hash_table_lookup (watches, GINT_TO_POINTER (id));
    if (self)
        watch_start (self, fd_source (self->fd, events), G_SOURCE_FUNC (on_ready));
    g_mutex_unlock (&lock);
}

static int
add_timeout (int period_ms, virEventTimeoutCallback func, void *data, virFreeCallback free_data)
{
    Watch *self = g_new0 (Watch, 1);

    self->fd = -1;
    self->on_time = func;
    self->data = data;
    self->free_data = free_data;
    return watch_add (self, time_source (period_ms), on_time);
}

static void
update_timeout (int id, int period_ms)
{
    Watch *self;

    g_mutex_lock (&lock);
    self = g_hash_table_lookup (watches, GINT_TO_POINTER (id));
    if (self)
        watch_start (self, time_source (period_ms), on_time);
    g_mutex_unlock (&lock);
}

static gpointer
run (gpointer data)
{
    g_main_context_acquire (context);
    for (;;)
        g_main_context_iteration (context, TRUE);
    return NULL;
}

/* libvirt would print each error; we hand them on. */
static void
say_nothing (void *data, virErrorPtr error)
{
}

static gpointer
start (gpointer data)
{
    watches = g_hash_table_new (NULL, NULL);
    context = g_main_context_new ();
    virSetErrorFunc (NULL, say_nothing);
    virEventRegisterImpl (add_handle, update_handle, watch_remove, add_timeout, update_timeout,
                          watch_remove);
    virInitialize ();
    g_thread_unref (g_thread_new ("libvirt", run, NULL));
    return context;
}

GMainContext *
loop_context (void)
{
    static GOnce once = G_ONCE_INIT;

    return g_once (&once, start, NULL);
}
