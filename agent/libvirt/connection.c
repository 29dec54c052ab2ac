/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "agent/libvirt/connection.h"

#include <string.h>

#include "agent/libvirt/call.h"
#include "agent/libvirt/error.h"
#include "agent/libvirt/login.h"
#include "agent/libvirt/loop.h"

#define DEFAULT_TIMEOUT_US (10 * G_TIME_SPAN_SECOND)
/* A libvirtd that is silent for so long is given up. */
#define KEEP_ALIVE_S     5
#define KEEP_ALIVE_COUNT 3

typedef struct {
    ConnectionListener does;
    gpointer data;
} Listener;

struct LibvirtConnection {
    gatomicrefcount refs;
    gatomicrefcount users;
    char *uri;
    gint64 timeout_us;

    GMutex listening;     /* held while listeners run; taken before lock */
    GPtrArray *listeners; /* of Listener */

    GMutex lock;
    GCond changed;
    virConnectPtr now; /* NULL: lost, and being made anew */
    gboolean is_closed;
};

/* -- One connection -- */

static void on_close (virConnectPtr connection, int reason, void *data);

static void
unref_connection (void *data)
{
    connection_unref (data);
}

static virConnectPtr
connect_once (LibvirtConnection *self, GError **error)
{
    virConnectPtr connection = login_open (self->uri, error);

    if (!connection)
        return NULL;
    virConnectSetKeepAlive (connection, KEEP_ALIVE_S, KEEP_ALIVE_COUNT);
    /* The test driver is no connection: it takes the callback, and never gives it back. */
    if (g_strcmp0 (virConnectGetType (connection), "TEST") == 0)
        return connection;
    connection_ref (self);
    if (virConnectRegisterCloseCallback (connection, on_close, self, unref_connection) < 0)
        connection_unref (self);
    return connection;
}

static void
give_up (virConnectPtr connection)
{
    virConnectUnregisterCloseCallback (connection, on_close);
    virConnectClose (connection);
}

/* -- Lost, and made anew -- */

/* FALSE if nobody wants it any more. Who begins to listen meanwhile waits, and finds it. */
static gboolean
install (LibvirtConnection *self, virConnectPtr connection)
{
    gboolean wanted;

    g_mutex_lock (&self->listening);
    for (guint i = 0; i < self->listeners->len; i++) {
        Listener *listener = g_ptr_array_index (self->listeners, i);

        listener->does.greet (connection, TRUE, listener->data);
    }
    g_mutex_lock (&self->lock);
    wanted = !self->is_closed;
    if (wanted)
        self->now = connection;
    g_cond_broadcast (&self->changed);
    g_mutex_unlock (&self->lock);
    g_mutex_unlock (&self->listening);
    return wanted;
}

static void
leave_all (LibvirtConnection *self, virConnectPtr connection)
{
    g_mutex_lock (&self->listening);
    for (guint i = 0; i < self->listeners->len; i++) {
        Listener *listener = g_ptr_array_index (self->listeners, i);

        listener->does.lost (listener->data);
        listener->does.leave (connection, listener->data);
    }
    g_mutex_unlock (&self->listening);
}

static gboolean
is_wanted (LibvirtConnection *self)
{
    gboolean wanted;

    g_mutex_lock (&self->lock);
    wanted = !self->is_closed;
    g_mutex_unlock (&self->lock);
    return wanted;
}

typedef struct {
    LibvirtConnection *self;
    virConnectPtr old;
} Loss;

static void
make_anew (gpointer data, gpointer unused)
{
    Loss loss = *(Loss *)data;
    gint64 pause_us = CONNECTION_MIN_PAUSE_US;

    g_free (data);
    leave_all (loss.self, loss.old);
    give_up (loss.old);
    while (is_wanted (loss.self)) {
        virConnectPtr connection = connect_once (loss.self, NULL);

        if (connection) {
            if (!install (loss.self, connection))
                give_up (connection);
            break;
        }
        g_usleep ((gulong)pause_us);
        pause_us = MIN (pause_us * 2, CONNECTION_MAX_PAUSE_US);
    }
    connection_unref (loss.self);
}

/* Any thread. Only the first who notices does something. */
static void
connection_lost (LibvirtConnection *self, virConnectPtr connection)
{
    gboolean is_news;

    g_mutex_lock (&self->lock);
    is_news = self->now == connection;
    if (is_news)
        self->now = NULL;
    g_mutex_unlock (&self->lock);
    if (is_news) {
        Loss *loss = g_new (Loss, 1);

        *loss = (Loss){ connection_ref (self), connection };
        call_start (make_anew, loss);
    }
}

static void
on_close (virConnectPtr connection, int reason, void *data)
{
    connection_lost (data, connection);
}

/* -- Life -- */

LibvirtConnection *
connection_ref (LibvirtConnection *self)
{
    g_atomic_ref_count_inc (&self->refs);
    return self;
}

static void
close_last (gpointer data, gpointer unused)
{
    LibvirtConnection *self = data;

    if (self->now)
        virConnectClose (self->now);
    g_ptr_array_unref (self->listeners);
    g_mutex_clear (&self->listening);
    g_mutex_clear (&self->lock);
    g_cond_clear (&self->changed);
    g_free (self->uri);
    g_free (self);
}

/* The close callback of what is now has a reference too, which nobody else can give back. */
static void
let_go (gpointer data, gpointer unused)
{
    LibvirtConnection *self = data;
    virConnectPtr connection;

    g_mutex_lock (&self->lock);
    self->is_closed = TRUE;
    connection = g_steal_pointer (&self->now);
    g_mutex_unlock (&self->lock);
    if (connection)
        give_up (connection);
    connection_unref (self);
}

void
connection_unref (LibvirtConnection *self)
{
    if (g_atomic_ref_count_dec (&self->refs))
        call_start (close_last, self);
}

static char *
uri_with_auth (const LibvirtOptions *options)
{
    const char *uri = options->uri ? options->uri : g_getenv ("LIBVIRT_DEFAULT_URI");
    g_autofree char *file = NULL;

    if (!uri || !*uri)
        uri = "qemu:///system";
    if (!options->auth_file)
        return g_strdup (uri);
    file = g_uri_escape_string (options->auth_file, "/", FALSE);
    return g_strdup_printf ("%s%cauthfile=%s", uri, strchr (uri, '?') ? '&' : '?', file);
}

static gpointer
first_connect (gpointer data, GError **error)
{
    return connect_once (data, error);
}

static void
give_up_late (gpointer data)
{
    give_up (data);
}

LibvirtConnection *
connection_open (const LibvirtOptions *options, GError **error)
{
    LibvirtConnection *self = g_new0 (LibvirtConnection, 1);

    loop_context ();
    g_atomic_ref_count_init (&self->refs);
    g_atomic_ref_count_init (&self->users);
    g_mutex_init (&self->listening);
    g_mutex_init (&self->lock);
    g_cond_init (&self->changed);
    self->listeners = g_ptr_array_new_with_free_func (g_free);
    self->uri = uri_with_auth (options);
    self->timeout_us = options->timeout_us > 0 ? options->timeout_us : DEFAULT_TIMEOUT_US;
    self->now = call_run ("connect", first_connect, connection_ref (self), unref_connection,
                          give_up_late, self->timeout_us, error);
    if (self->now)
        return self;
    connection_unref (self);
    return NULL;
}

LibvirtConnection *
connection_use (LibvirtConnection *self)
{
    g_atomic_ref_count_inc (&self->users);
    return self;
}

void
connection_close (LibvirtConnection *self)
{
    if (self && g_atomic_ref_count_dec (&self->users))
        call_start (let_go, self);
}

const char *
connection_uri (LibvirtConnection *self)
{
    return self->uri;
}

gint64
connection_timeout_us (LibvirtConnection *self)
{
    return self->timeout_us;
}

/* -- Calls -- */

/* A reference to what is now, as soon as there is one. */
static virConnectPtr
hold (LibvirtConnection *self, gint64 deadline_us, GError **error)
{
    virConnectPtr held = NULL;

    g_mutex_lock (&self->lock);
    while (!self->now && !self->is_closed &&
           g_cond_wait_until (&self->changed, &self->lock, deadline_us))
        ;
    if (self->now && virConnectRef (self->now) == 0)
        held = self->now;
    g_mutex_unlock (&self->lock);
    if (!held)
        error_set (error, LIBVIRT_ERROR_UNREACHABLE, "the connection to %s is lost", self->uri);
    return held;
}

virConnectPtr
connection_hold (LibvirtConnection *self, GError **error)
{
    return hold (self, g_get_monotonic_time () + self->timeout_us, error);
}

typedef struct {
    LibvirtConnection *self;
    ConnectionFlags flags;
    ConnectionFunc func;
    gpointer data;
    GDestroyNotify free_data;
    gint64 deadline_us;
} Job;

static void
job_free (gpointer data)
{
    Job *job = data;

    if (job->free_data)
        job->free_data (job->data);
    connection_unref (job->self);
    g_free (job);
}

/* TRUE: once more. */
static gboolean
try (Job *job, gpointer *ret_result, GError **error)
{
    virConnectPtr connection = hold (job->self, job->deadline_us, error);
    gboolean is_broken;

    if (!connection)
        return FALSE;
    *ret_result = job->func (connection, job->data, error);
    is_broken = !*ret_result && virConnectIsAlive (connection) == 0;
    if (is_broken)
        connection_lost (job->self, connection);
    virConnectClose (connection);
    if (!is_broken || !(job->flags & CONNECTION_RETRY) ||
        g_get_monotonic_time () >= job->deadline_us)
        return FALSE;
    g_clear_error (error);
    return TRUE;
}

static gpointer
run_job (gpointer data, GError **error)
{
    gpointer result = NULL;

    while (try (data, &result, error))
        ;
    return result;
}

gpointer
connection_call (LibvirtConnection *self, const char *what, ConnectionFlags flags,
                 ConnectionFunc func, gpointer data, GDestroyNotify free_data,
                 GDestroyNotify free_result, GError **error)
{
    Job *job = g_new0 (Job, 1);

    job->self = connection_ref (self);
    job->flags = flags;
    job->func = func;
    job->data = data;
    job->free_data = free_data;
    /* A little less, so that who waits hears the reason. */
    job->deadline_us = g_get_monotonic_time () + self->timeout_us * 9 / 10;
    return call_run (what, run_job, job, job_free, free_result, self->timeout_us, error);
}

/* -- Listeners -- */

void
connection_listen (LibvirtConnection *self, const ConnectionListener *listener, gpointer data)
{
    Listener *added = g_new (Listener, 1);
    virConnectPtr held;

    *added = (Listener){ *listener, data };
    g_mutex_lock (&self->listening);
    g_ptr_array_add (self->listeners, added);
    held = hold (self, 0, NULL);
    if (held) {
        listener->greet (held, FALSE, data);
        virConnectClose (held);
    }
    g_mutex_unlock (&self->listening);
}

void
connection_ignore (LibvirtConnection *self, gpointer data)
{
    virConnectPtr held;

    g_mutex_lock (&self->listening);
    held = hold (self, 0, NULL);
    for (guint i = self->listeners->len; i > 0; i--) {
        Listener *listener = g_ptr_array_index (self->listeners, i - 1);

        if (listener->data != data)
            continue;
        if (held)
            listener->does.leave (held, data);
        g_ptr_array_remove_index (self->listeners, i - 1);
    }
    if (held)
        virConnectClose (held);
    g_mutex_unlock (&self->listening);
}
