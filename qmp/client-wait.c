/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "qmp/client-private.h"
#include "qmp/text.h"

#include <string.h>

void
qmp_event_free (QmpEvent *event)
{
    if (!event)
        return;
    g_free (event->name);
    json_object_put (event->message);
    g_free (event);
}

static gboolean
on_alarm (gpointer data)
{
    return G_SOURCE_REMOVE;
}

gboolean
qmp_context_iterate (GMainContext *context, gint64 deadline_us)
{
    gint64 left_us = deadline_us - g_get_monotonic_time ();
    g_autoptr (GSource) alarm = NULL;

    if (left_us <= 0) {
        /* We may have been stopped ourselves: what has come by now counts. */
        g_main_context_iteration (context, FALSE);
        return FALSE;
    }
    alarm = g_timeout_source_new ((guint)MIN ((left_us + 999) / 1000, G_MAXINT));
    g_source_set_callback (alarm, on_alarm, NULL, NULL);
    g_source_attach (alarm, context);
    g_main_context_iteration (context, TRUE);
    g_source_destroy (alarm);
    return TRUE;
}

/* Runs in the thread that cancels. The wait that it wakes asks the cancellable itself. A
 * GCancellableSource would do the same, but in GLib 2.74 it leaks when it is freed while that
 * thread is not done yet, which here is the rule. */
static void
on_cancelled (GCancellable *cancel, gpointer data)
{
    g_main_context_wakeup (data);
}

void
qmp_client_watch_cancel (QmpClient *self)
{
    if (self->cancel)
        self->cancel_handler =
            g_cancellable_connect (self->cancel, G_CALLBACK (on_cancelled), self->context, NULL);
}

Wait
qmp_wait_new (const char *awaited, const char *lacking, gint64 timeout_us)
{
    gint64 now_us = g_get_monotonic_time ();

    return (Wait){ .awaited = awaited,
                   .lacking = lacking,
                   .timeout_us = timeout_us,
                   .deadline_us =
                       timeout_us < G_MAXINT64 - now_us ? now_us + timeout_us : G_MAXINT64 };
}

gboolean
qmp_wait_turn (QmpClient *self, Wait *wait, GError **error)
{
    g_autofree char *timeout = NULL;

    if (self->broken)
        return qmp_client_fail_broken (self, error);
    if (g_cancellable_is_cancelled (self->cancel))
        return qmp_client_fail (self, error, QMP_ERROR_CANCELLED, "cancelled while waiting for %s",
                                wait->awaited);
    if (wait->late) {
        timeout = qmp_text_duration (wait->timeout_us);
        return qmp_client_fail (self, error, QMP_ERROR_TIMEOUT, "%s within %s", wait->lacking,
                                timeout);
    }
    self->awaited = wait->awaited;
    wait->late = !qmp_context_iterate (self->context, wait->deadline_us);
    self->awaited = NULL;
    return TRUE;
}

QmpEvent *
qmp_client_take_event (QmpClient *self, const char *name)
{
    for (GList *link = self->events.head; link; link = link->next) {
        QmpEvent *event = link->data;

        if (name && strcmp (name, event->name) != 0)
            continue;
        g_queue_delete_link (&self->events, link);
        return event;
    }
    return NULL;
}

gboolean
qmp_client_has_event (QmpClient *self)
{
    return !g_queue_is_empty (&self->events);
}

QmpEvent *
qmp_client_wait_event (QmpClient *self, const char *name, gint64 timeout_us, GError **error)
{
    g_autofree char *awaited = name ? g_strconcat ("event ", name, NULL) : g_strdup ("an event");
    g_autofree char *lacking = g_strconcat ("no ", name ? awaited : "event", NULL);
    Wait wait = qmp_wait_new (awaited, lacking, timeout_us);
    QmpEvent *event;

    while (!(event = qmp_client_take_event (self, name))) {
        if (!qmp_wait_turn (self, &wait, error))
            return NULL;
    }
    return event;
}

guint
qmp_client_events_dropped (QmpClient *self)
{
    return self->events_dropped;
}
