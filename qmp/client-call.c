/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "qmp/client-private.h"
#include "qmp/value.h"

#include <gio/gunixfdmessage.h>
#include <string.h>

/* QEMU stops reading, out-of-band commands included, with 8 in-band ones in its queue. */
#define MAX_OUTSTANDING 6

void
qmp_call_free (gpointer data)
{
    Call *self = data;

    g_free (self->command);
    json_object_put (self->reply);
    qmp_list_free (self->list);
    g_free (self);
}

static guint
count_outstanding (QmpClient *self, gboolean oob, guint *ret_forgotten)
{
    guint count = 0, forgotten = 0;

    for (GList *link = self->calls.head; link; link = link->next) {
        const Call *call = link->data;

        if (call->reply || call->oob != oob)
            continue;
        count++;
        forgotten += call->forgotten ? 1 : 0;
    }
    *ret_forgotten = forgotten;
    return count;
}

static gboolean
check_sendable (QmpClient *self, const char *command, QmpCallFlags flags, GError **error)
{
    gboolean oob = (flags & QMP_CALL_OOB) != 0;
    guint forgotten;

    if (self->broken)
        return qmp_client_fail_broken (self, error);
    if (g_cancellable_is_cancelled (self->cancel))
        return qmp_client_fail (self, error, QMP_ERROR_CANCELLED,
                                "%s: cancelled before it was sent", command);
    if (oob && !self->has_oob)
        return qmp_client_fail (self, error, QMP_ERROR_PROTOCOL,
                                "%s: this QMP connection takes no out-of-band commands", command);
    if (count_outstanding (self, oob, &forgotten) < MAX_OUTSTANDING)
        return TRUE;
    if (forgotten > 0)
        return qmp_client_fail (self, error, QMP_ERROR_TIMEOUT,
                                "%s: not sent: QEMU has not answered the %d commands before it",
                                command, MAX_OUTSTANDING);
    return qmp_client_fail (self, error, QMP_ERROR_PROTOCOL,
                            "%s: not sent: %d commands are outstanding", command, MAX_OUTSTANDING);
}

static guint64
send_with (QmpClient *self, const char *command, json_object *arguments, QmpCallFlags flags,
           GSocketControlMessage *control, GError **error)
{
    g_autoptr (GSocketControlMessage) owned_control = control;
    g_autoptr (json_object) owned_arguments = arguments;
    gboolean oob = (flags & QMP_CALL_OOB) != 0;
    g_autofree char *text = NULL;
    Call *call;

    if (!check_sendable (self, command, flags, error))
        return 0;
    call = g_new0 (Call, 1);
    call->id = ++self->last_id;
    call->command = g_strdup (command);
    call->oob = oob;
    g_queue_push_tail (&self->calls, call);

    text = qmp_message_command (command, owned_arguments, call->id, oob);
    qmp_client_tap (self, QMP_TAP_SEND, command, text);
    qmp_wire_send (self->wire, self->last_id, g_steal_pointer (&text), oob,
                   g_steal_pointer (&owned_control));
    return self->last_id;
}

guint64
qmp_client_send (QmpClient *self, const char *command, json_object *arguments, QmpCallFlags flags,
                 GError **error)
{
    return send_with (self, command, arguments, flags, NULL, error);
}

static Call *
find_call (QmpClient *self, guint64 id)
{
    for (GList *link = self->calls.head; link; link = link->next) {
        Call *call = link->data;

        if (call->id == id)
            return call;
    }
    return NULL;
}

/* What was not written at all is not sent late: nobody would expect it any more. */
void
qmp_client_forget (QmpClient *self, guint64 id)
{
    Call *call = find_call (self, id);

    if (!call)
        return;
    if (call->reply || qmp_wire_withdraw (self->wire, id)) {
        g_queue_remove (&self->calls, call);
        qmp_call_free (call);
    } else {
        call->forgotten = TRUE;
    }
}

/* Labelled, for what may be wrong with it. */
static QmpList *
list_of (QmpClient *self, Call *call)
{
    qmp_list_set_label (call->list, g_strdup_printf ("%s: %s", self->label, call->command));
    return call->list;
}

static json_object *
reply_value (QmpClient *self, Call *call, GError **error)
{
    json_object *problem = qmp_peek (call->reply, "error");
    json_object *value = qmp_peek (call->reply, "return");
    g_autofree char *excerpt = NULL;

    if (json_object_is_type (problem, json_type_object)) {
        qmp_fail_refused (error, call->command, qmp_peek_string (problem, "class", "GenericError"),
                          qmp_peek_string (problem, "desc", "refused without a reason"));
        g_prefix_error (error, "%s: ", self->label);
        return NULL;
    }
    if (value && !problem)
        return call->list ? qmp_list_to_json (list_of (self, call), error)
                          : json_object_get (value);
    excerpt = qmp_client_excerpt (call->reply);
    qmp_client_fail (self, error, QMP_ERROR_PROTOCOL,
                     "%s: the answer is neither a return nor an error: %s", call->command, excerpt);
    return NULL;
}

static gboolean
await_reply (QmpClient *self, Call *call, Wait *wait, GError **error)
{
    g_autofree char *lacking = g_strconcat (call->command, ": no answer", NULL);

    wait->awaited = call->command;
    wait->lacking = lacking;
    while (!call->reply) {
        if (!qmp_wait_turn (self, wait, error))
            return FALSE;
    }
    return TRUE;
}

static json_object *
finish_by (QmpClient *self, guint64 id, Wait *wait, GError **error)
{
    Call *call = find_call (self, id);
    json_object *value = NULL;

    if (!call || call->forgotten) {
        qmp_client_fail (self, error, QMP_ERROR_PROTOCOL,
                         "nothing was sent with id %" G_GUINT64_FORMAT, id);
        return NULL;
    }
    if (await_reply (self, call, wait, error))
        value = reply_value (self, call, error);
    qmp_client_forget (self, id);
    return value;
}

static Wait
reply_wait (QmpClient *self, gint64 timeout_us)
{
    return qmp_wait_new (NULL, NULL, timeout_us > 0 ? timeout_us : self->reply_timeout_us);
}

json_object *
qmp_client_finish (QmpClient *self, guint64 id, gint64 timeout_us, GError **error)
{
    Wait wait = reply_wait (self, timeout_us);

    return finish_by (self, id, &wait, error);
}

/* Calls that timed out keep their places until QEMU answers them: a caller that tries again should
 * wait for that, not spin. */
static gboolean
await_place (QmpClient *self, const char *command, gboolean oob, Wait *wait, GError **error)
{
    g_autofree char *lacking = g_strdup_printf (
        "%s: not sent: QEMU answered none of the %d commands before it", command, MAX_OUTSTANDING);
    guint forgotten;

    wait->awaited = command;
    wait->lacking = lacking;
    while (count_outstanding (self, oob, &forgotten) >= MAX_OUTSTANDING && forgotten > 0) {
        if (!qmp_wait_turn (self, wait, error))
            return FALSE;
    }
    return TRUE;
}

static json_object *
call_with (QmpClient *self, const char *command, json_object *arguments, QmpCallFlags flags,
           GSocketControlMessage *control, gint64 timeout_us, GError **error)
{
    Wait wait = reply_wait (self, timeout_us);
    guint64 id;

    if (!await_place (self, command, (flags & QMP_CALL_OOB) != 0, &wait, error)) {
        json_object_put (arguments);
        g_clear_object (&control);
        return NULL;
    }
    id = send_with (self, command, arguments, flags, control, error);
    return id ? finish_by (self, id, &wait, error) : NULL;
}

json_object *
qmp_client_call (QmpClient *self, const char *command, json_object *arguments, GError **error)
{
    return call_with (self, command, arguments, QMP_CALL_DEFAULT, NULL, 0, error);
}

static gboolean
make_list (QmpClient *self, Call *call, GError **error)
{
    g_autoptr (json_object) value = reply_value (self, call, error);
    char *text;

    if (!value)
        return FALSE;
    if (!json_object_is_type (value, json_type_array))
        return qmp_client_fail (self, error, QMP_ERROR_PROTOCOL, "%s: the answer is not a list",
                                call->command);
    text = qmp_message_text (value);
    call->list = qmp_list_new (text, strlen (text) - strlen ("\n"));
    return TRUE;
}

static QmpList *
take_list (QmpClient *self, Call *call, GError **error)
{
    if (!call->list && !make_list (self, call, error))
        return NULL;
    list_of (self, call);
    return g_steal_pointer (&call->list);
}

QmpList *
qmp_client_call_list (QmpClient *self, const char *command, json_object *arguments, GError **error)
{
    Wait wait = reply_wait (self, 0);
    guint64 id = send_with (self, command, arguments, QMP_CALL_DEFAULT, NULL, error);
    Call *call = find_call (self, id);
    QmpList *list = NULL;

    if (!call)
        return NULL;
    if (await_reply (self, call, &wait, error))
        list = take_list (self, call, error);
    qmp_client_forget (self, id);
    return list;
}

json_object *
qmp_client_call_full (QmpClient *self, const char *command, json_object *arguments,
                      QmpCallFlags flags, gint64 timeout_us, GError **error)
{
    return call_with (self, command, arguments, flags, NULL, timeout_us, error);
}

json_object *
qmp_client_call_with_fd (QmpClient *self, const char *command, json_object *arguments, int fd,
                         GError **error)
{
    GSocket *socket = qmp_wire_socket (self->wire);
    g_autoptr (GSocketControlMessage) control = g_unix_fd_message_new ();
    g_autoptr (GError) reason = NULL;

    if (!socket || g_socket_get_family (socket) != G_SOCKET_FAMILY_UNIX) {
        json_object_put (arguments);
        qmp_client_fail (self, error, QMP_ERROR_PROTOCOL,
                         "%s: a file descriptor can only be passed over a unix socket", command);
        return NULL;
    }
    if (!g_unix_fd_message_append_fd (G_UNIX_FD_MESSAGE (control), fd, &reason)) {
        json_object_put (arguments);
        qmp_client_fail (self, error, QMP_ERROR_PROTOCOL, "%s: cannot pass file descriptor %d: %s",
                         command, fd, reason->message);
        return NULL;
    }
    return call_with (self, command, arguments, QMP_CALL_DEFAULT, g_steal_pointer (&control), 0,
                      error);
}
