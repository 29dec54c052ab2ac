/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "qmp/client-private.h"
#include "qmp/text.h"
#include "qmp/value.h"

#include <string.h>

static const char *
plain_text (json_object *message)
{
    return json_object_to_json_string_ext (message,
                                           JSON_C_TO_STRING_PLAIN | JSON_C_TO_STRING_NOSLASHESCAPE);
}

char *
qmp_client_excerpt (json_object *message)
{
    const char *text = plain_text (message);

    return qmp_text_excerpt (text, strlen (text));
}

void
qmp_client_tap (QmpClient *self, QmpTapKind kind, const char *name, const char *text)
{
    g_autofree char *line = NULL;

    if (!self->tap)
        return;
    line = g_strndup (text, strcspn (text, "\n"));
    self->tap (self->label, kind, name, line, self->tap_data);
}

/* Spelling a message out again is only worth it for somebody who looks. */
static void
tap_message (QmpClient *self, QmpTapKind kind, const char *name, json_object *message)
{
    if (self->tap)
        qmp_client_tap (self, kind, name, plain_text (message));
}

/* The first reason stays: what comes after it is only its consequence. */
static void
break_off (QmpClient *self, QmpError code, const char *text)
{
    if (self->broken)
        return;
    if (self->awaited && self->greeting)
        qmp_client_fail (self, &self->broken, code, "%s (while waiting for %s)", text,
                         self->awaited);
    else
        qmp_client_fail (self, &self->broken, code, "%s", text);
}

static gint64
wall_clock_us (json_object *message)
{
    guint64 seconds = qmp_peek_uint (message, "timestamp.seconds", G_MAXUINT64);
    guint64 microseconds = qmp_peek_uint (message, "timestamp.microseconds", G_MAXUINT64);

    if (seconds > G_MAXINT64 / G_USEC_PER_SEC - 1 || microseconds >= G_USEC_PER_SEC)
        return -1;
    return (gint64)(seconds * G_USEC_PER_SEC + microseconds);
}

static void
on_event (QmpClient *self, const char *name, json_object *message)
{
    QmpEvent *event = g_new0 (QmpEvent, 1);

    event->name = g_strdup (name);
    event->received_us = g_get_monotonic_time ();
    event->timestamp_us = wall_clock_us (message);
    event->message = json_object_get (message);
    g_queue_push_tail (&self->events, event);
    if (self->events.length > QMP_CLIENT_MAX_EVENTS) {
        qmp_event_free (g_queue_pop_head (&self->events));
        self->events_dropped++;
    }
    tap_message (self, QMP_TAP_EVENT, name, message);
}

static void
on_greeting (QmpClient *self, json_object *message)
{
    if (json_object_is_type (qmp_peek (message, "QMP"), json_type_object)) {
        self->greeting = json_object_get (message);
        tap_message (self, QMP_TAP_GREETING, "", message);
    } else {
        g_autofree char *excerpt = qmp_client_excerpt (message);
        g_autofree char *text =
            g_strdup_printf ("%s does not speak QMP: it greets with \"%s\"", self->peer, excerpt);

        break_off (self, QMP_ERROR_PROTOCOL, text);
        qmp_wire_stop (self->wire);
    }
}

static Call *
find_unanswered (QmpClient *self, guint64 id)
{
    for (GList *link = self->calls.head; link; link = link->next) {
        Call *call = link->data;

        if (call->id == id && !call->reply)
            return call;
    }
    return NULL;
}

static Call *
oldest_in_band (QmpClient *self)
{
    for (GList *link = self->calls.head; link; link = link->next) {
        Call *call = link->data;

        if (!call->oob && !call->reply)
            return call;
    }
    return NULL;
}

/* Errors that QEMU finds before it has parsed the id come without one. In-band commands are
 * answered in order, so such an error belongs to the oldest. Anything else without an id of ours
 * answers nothing that we asked. */
static Call *
find_answered (QmpClient *self, json_object *message)
{
    json_object *id = qmp_peek (message, "id");

    if (json_object_is_type (id, json_type_int))
        return find_unanswered (self, json_object_get_uint64 (id));
    return !id && qmp_peek (message, "error") ? oldest_in_band (self) : NULL;
}

/* For somebody who looks. */
static void
put_list_back (json_object *message, QmpList *list)
{
    json_object *whole = qmp_list_to_json (list, NULL);

    if (whole)
        json_object_object_add (message, "return", whole);
}

static void
on_reply (QmpClient *self, json_object *message)
{
    Call *call = find_answered (self, message);
    g_autoptr (QmpList) list = qmp_wire_take_list (self->wire);

    if (list && self->tap)
        put_list_back (message, list);
    tap_message (self, QMP_TAP_REPLY, call ? call->command : "", message);
    if (!call)
        return;
    if (call->forgotten) {
        g_queue_remove (&self->calls, call);
        qmp_call_free (call);
    } else {
        call->reply = json_object_get (message);
        call->list = g_steal_pointer (&list);
    }
}

static void
on_received (json_object *message, gpointer data)
{
    QmpClient *self = data;
    const char *event = qmp_peek_string (message, "event", NULL);

    if (event)
        on_event (self, event, message);
    else if (!self->greeting)
        on_greeting (self, message);
    else
        on_reply (self, message);
}

static void
on_sent (guint64 id, const char *text, gpointer data)
{
    QmpClient *self = data;
    const Call *call = find_unanswered (self, id);

    if (call)
        qmp_client_tap (self, QMP_TAP_SENT, call->command, text);
}

static void
on_ended (const GError *reason, gpointer data)
{
    QmpClient *self = data;
    gboolean closed = reason->code == QMP_ERROR_CLOSED;
    const char *separator = *reason->message ? ": " : "";
    g_autofree char *text = NULL;

    if (closed && self->greeting)
        text = g_strconcat ("QEMU closed the QMP connection", separator, reason->message, NULL);
    else if (closed)
        text = g_strconcat (self->peer, " closed the connection before any QMP greeting", separator,
                            reason->message, NULL);
    else if (self->greeting)
        text = g_strconcat ("QEMU's output is not QMP: ", reason->message, NULL);
    else
        text = g_strconcat (self->peer, " does not speak QMP: ", reason->message, NULL);
    break_off (self, reason->code, text);
}

const QmpWireHandler qmp_client_input = {
    .received = on_received,
    .sent = on_sent,
    .ended = on_ended,
};
