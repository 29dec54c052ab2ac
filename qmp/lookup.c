/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "qmp/lookup.h"

/* How often a wait for the resolver looks whether it was cancelled. */
#define GLANCE_US (20 * 1000)

struct Lookup {
    GMutex mutex;
    GCond done_cond;
    char *host;
    char *service;
    gboolean done;
    int status;
    struct addrinfo *found;
};

static void
lookup_clear (gpointer data)
{
    Lookup *self = data;

    g_mutex_clear (&self->mutex);
    g_cond_clear (&self->done_cond);
    g_free (self->host);
    g_free (self->service);
    if (self->found)
        freeaddrinfo (self->found);
}

void
lookup_release (Lookup *self)
{
    g_atomic_rc_box_release_full (self, lookup_clear);
}

Lookup *
lookup_new (const char *host, guint16 port)
{
    Lookup *self = g_atomic_rc_box_new0 (Lookup);

    g_mutex_init (&self->mutex);
    g_cond_init (&self->done_cond);
    self->host = g_strdup (host);
    self->service = g_strdup_printf ("%u", port);
    return self;
}

static int
resolve (Lookup *self, int flags, struct addrinfo **ret_found)
{
    struct addrinfo hints = { .ai_socktype = SOCK_STREAM, .ai_flags = flags | AI_NUMERICSERV };

    return getaddrinfo (self->host, self->service, &hints, ret_found);
}

static gpointer
lookup_thread (gpointer data)
{
    g_autoptr (Lookup) self = data;
    struct addrinfo *found = NULL;
    int status = resolve (self, 0, &found);

    g_mutex_lock (&self->mutex);
    self->done = TRUE;
    self->status = status;
    self->found = found;
    g_cond_signal (&self->done_cond);
    g_mutex_unlock (&self->mutex);
    return NULL;
}

gboolean
lookup_run (Lookup *self, gint64 deadline_us, GCancellable *cancel)
{
    GThread *thread;
    gboolean done;

    self->status = resolve (self, AI_NUMERICHOST, &self->found);
    if (self->status == 0)
        return TRUE;
    thread = g_thread_try_new ("qmp-lookup", lookup_thread, g_atomic_rc_box_acquire (self), NULL);
    if (!thread) {
        lookup_release (self);
        return FALSE;
    }
    g_thread_unref (thread);

    g_mutex_lock (&self->mutex);
    while (!self->done && g_get_monotonic_time () < deadline_us &&
           !g_cancellable_is_cancelled (cancel))
        g_cond_wait_until (&self->done_cond, &self->mutex,
                           MIN (deadline_us, g_get_monotonic_time () + GLANCE_US));
    done = self->done;
    g_mutex_unlock (&self->mutex);
    return done;
}

const struct addrinfo *
lookup_result (Lookup *self, const char **ret_why)
{
    *ret_why = self->status ? gai_strerror (self->status) : "";
    return self->status ? NULL : self->found;
}
