/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include <string.h>

#include "agent/libvirt/call.h"
#include "agent/libvirt/connection-internal.h"
#include "agent/libvirt/error.h"
#include "agent/libvirt/loop.h"

#define DEFAULT_TIMEOUT_US (10 * G_TIME_SPAN_SECOND)

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
        connection_give_up (connection);
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
    return connection_make (data, error);
}

static void
give_up_late (gpointer data)
{
    connection_give_up (data);
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
    self->now = call_run ("connect", first_connect, connection_ref (self),
                          (GDestroyNotify)connection_unref, give_up_late, self->timeout_us, error);
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
virConnectPtr
connection_hold_until (LibvirtConnection *self, gint64 deadline_us, GError **error)
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
    return connection_hold_until (self, g_get_monotonic_time () + self->timeout_us, error);
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
    virConnectPtr connection = connection_hold_until (job->self, job->deadline_us, error);
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
