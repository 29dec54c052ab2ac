/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "qmp/lookup.h"

/* How often a wait for the resolver looks whether it was cancelled. */
#define GLANCE_US (20 * 1000)

struct Lookup {
    int references; /* atomic */
    int done;       /* atomic: what follows it was written before */
    int status;
    struct addrinfo *found;
    char *host;
    char *service;
    GMutex mutex; /* only for the signal that it is done */
    GCond done_cond;
};

Lookup *
lookup_new (const char *host, guint16 port)
{
    Lookup *self = g_new0 (Lookup, 1);

    self->references = 1;
    self->host = g_strdup (host);
    self->service = g_strdup_printf ("%u", port);
    g_mutex_init (&self->mutex);
    g_cond_init (&self->done_cond);
    return self;
}

void
lookup_release (Lookup *self)
{
    if (!g_atomic_int_dec_and_test (&self->references))
        return;
    if (self->found)
        freeaddrinfo (self->found);
    g_free (self->host);
    g_free (self->service);
    g_mutex_clear (&self->mutex);
    g_cond_clear (&self->done_cond);
    g_free (self);
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

    self->status = resolve (self, 0, &self->found);
    g_mutex_lock (&self->mutex);
    g_atomic_int_set (&self->done, TRUE);
    g_cond_signal (&self->done_cond);
    g_mutex_unlock (&self->mutex);
    return NULL;
}

static gboolean
lookup_start (Lookup *self)
{
    GThread *thread;

    g_atomic_int_inc (&self->references);
    thread = g_thread_try_new ("qmp-lookup", lookup_thread, self, NULL);
    if (thread)
        g_thread_unref (thread);
    else
        lookup_release (self);
    return thread != NULL;
}

gboolean
lookup_run (Lookup *self, gint64 deadline_us, GCancellable *cancel)
{
    self->status = resolve (self, AI_NUMERICHOST, &self->found);
    if (self->status == 0)
        return TRUE;
    if (!lookup_start (self))
        return FALSE;
    g_mutex_lock (&self->mutex);
    while (!g_atomic_int_get (&self->done) && g_get_monotonic_time () < deadline_us &&
           !g_cancellable_is_cancelled (cancel))
        g_cond_wait_until (&self->done_cond, &self->mutex,
                           MIN (deadline_us, g_get_monotonic_time () + GLANCE_US));
    g_mutex_unlock (&self->mutex);
    return g_atomic_int_get (&self->done);
}

const struct addrinfo *
lookup_result (Lookup *self, const char **ret_why)
{
    *ret_why = self->status ? gai_strerror (self->status) : "";
    return self->status ? NULL : self->found;
}
