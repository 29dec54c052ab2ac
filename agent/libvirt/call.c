/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "agent/libvirt/call.h"

#include "agent/libvirt/error.h"

typedef struct {
    gatomicrefcount refs;
    GMutex lock;
    GCond over;
    CallFunc func;
    gpointer data;
    GDestroyNotify free_data, free_result;
    gboolean is_over, is_abandoned;
    gpointer result;
    GError *error;
} Call;

static int abandoned;

static void
call_unref (Call *self)
{
    if (!g_atomic_ref_count_dec (&self->refs))
        return;
    if (self->result && self->free_result)
        self->free_result (self->result);
    g_clear_error (&self->error);
    g_mutex_clear (&self->lock);
    g_cond_clear (&self->over);
    g_free (self);
}

static void
work (gpointer data, gpointer unused)
{
    Call *self = data;
    GError *error = NULL;
    gpointer result = self->func (self->data, &error);

    if (self->free_data)
        self->free_data (self->data);
    g_mutex_lock (&self->lock);
    self->result = result;
    self->error = error;
    self->is_over = TRUE;
    if (self->is_abandoned)
        g_atomic_int_add (&abandoned, -1);
    g_cond_signal (&self->over);
    g_mutex_unlock (&self->lock);
    call_unref (self);
}

typedef struct {
    GFunc func;
    gpointer data;
} Task;

static void
run_task (gpointer data, gpointer unused)
{
    Task task = *(Task *)data;

    g_free (data);
    task.func (task.data, NULL);
}

static gpointer
make_pool (gpointer data)
{
    return g_thread_pool_new (run_task, NULL, -1, FALSE, NULL);
}

void
call_start (GFunc func, gpointer data)
{
    static GOnce once = G_ONCE_INIT;
    Task *task = g_new (Task, 1);

    *task = (Task){ func, data };
    g_thread_pool_push (g_once (&once, make_pool, NULL), task, NULL);
}

/* TRUE with what came of it in time. */
static gboolean
await (Call *self, gint64 timeout_us)
{
    gint64 deadline_us = g_get_monotonic_time () + timeout_us;

    g_mutex_lock (&self->lock);
    while (!self->is_over && g_cond_wait_until (&self->over, &self->lock, deadline_us))
        ;
    self->is_abandoned = !self->is_over;
    if (self->is_abandoned)
        g_atomic_int_add (&abandoned, 1);
    g_mutex_unlock (&self->lock);
    return !self->is_abandoned;
}

gpointer
call_run (const char *what, CallFunc func, gpointer data, GDestroyNotify free_data,
          GDestroyNotify free_result, gint64 timeout_us, GError **error)
{
    Call *self = g_new0 (Call, 1);
    gpointer result = NULL;

    g_atomic_ref_count_init (&self->refs);
    g_atomic_ref_count_inc (&self->refs);
    g_mutex_init (&self->lock);
    g_cond_init (&self->over);
    self->func = func;
    self->data = data;
    self->free_data = free_data;
    self->free_result = free_result;
    call_start (work, self);
    if (await (self, timeout_us)) {
        result = g_steal_pointer (&self->result);
        if (self->error)
            g_propagate_error (error, g_steal_pointer (&self->error));
    } else
        error_set (error, LIBVIRT_ERROR_TIMEOUT, "libvirt did not %s within %.1f s", what,
                   (double)timeout_us / G_USEC_PER_SEC);
    call_unref (self);
    return result;
}

guint
call_abandoned (void)
{
    return (guint)MAX (g_atomic_int_get (&abandoned), 0);
}
