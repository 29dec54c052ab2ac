/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "qmp/client.h"

#include "qmp/text.h"
#include "qmp/value.h"
#include "qmp/wire.h"

#include <gio/gunixfdmessage.h>
#include <string.h>

#define DEFAULT_GREETING_TIMEOUT_US (2 * G_USEC_PER_SEC)
#define DEFAULT_REPLY_TIMEOUT_US    (10 * G_USEC_PER_SEC)

/* QEMU stops reading, out-of-band commands included, with 8 in-band ones in its queue. */
#define MAX_OUTSTANDING 6

typedef struct {
    guint64 id;
    char *command;
    gboolean oob;
    gboolean forgotten; /* nobody waits for it, but it still has its place in QEMU's queue */
    json_object *reply;
} Call;

struct QmpClient {
    GMainContext *context;
    char *label;
    char *peer; /* as errors call it: "unix:/run/x.sock" */
    gint64 reply_timeout_us;
    GCancellable *cancel;
    GSource *cancel_source;
    QmpWire *wire;

    json_object *greeting;
    QmpVersion version;
    gboolean has_oob;

    guint64 last_id;
    GQueue calls;  /* of Call, in the order in which they were sent */
    GQueue events; /* of QmpEvent */
    guint events_dropped;

    const char *awaited; /* what the wait under way is for */
    GError *broken;
    QmpTap tap;
    gpointer tap_data;
};

/* One wait: for what, in the words of its errors, and until when. */
typedef struct {
    const char *awaited; /* "... (while waiting for AWAITED)" */
    const char *lacking; /* "LACKING within 10 s" */
    gint64 timeout_us;
    gint64 deadline_us;
    gboolean late;
} Wait;

static gboolean fail (QmpClient *self, GError **error, QmpError code, const char *format, ...)
    G_GNUC_PRINTF (4, 5);

static gboolean
fail (QmpClient *self, GError **error, QmpError code, const char *format, ...)
{
    g_autofree char *text = NULL;
    va_list arguments;

    va_start (arguments, format);
    text = g_strdup_vprintf (format, arguments);
    va_end (arguments);
    return qmp_fail (error, code, "%s: %s", self->label, text);
}

static void
call_free (gpointer data)
{
    Call *self = data;

    g_free (self->command);
    json_object_put (self->reply);
    g_free (self);
}

void
qmp_event_free (QmpEvent *event)
{
    if (!event)
        return;
    g_free (event->name);
    json_object_put (event->message);
    g_free (event);
}

/* --- what comes in --- */

static const char *
plain_text (json_object *message)
{
    return json_object_to_json_string_ext (message,
                                           JSON_C_TO_STRING_PLAIN | JSON_C_TO_STRING_NOSLASHESCAPE);
}

static char *
message_excerpt (json_object *message)
{
    const char *text = plain_text (message);

    return qmp_text_excerpt (text, strlen (text));
}

static void
tap_message (QmpClient *self, QmpTapKind kind, const char *name, json_object *message)
{
    if (self->tap)
        self->tap (self->label, kind, name, plain_text (message), self->tap_data);
}

/* The first reason stays: what comes after it is only its consequence. */
static void
break_off (QmpClient *self, QmpError code, const char *text)
{
    if (self->broken)
        return;
    if (self->awaited)
        fail (self, &self->broken, code, "%s (while waiting for %s)", text, self->awaited);
    else
        fail (self, &self->broken, code, "%s", text);
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
    } else {
        g_autofree char *excerpt = message_excerpt (message);
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

static void
on_reply (QmpClient *self, json_object *message)
{
    Call *call = find_answered (self, message);

    tap_message (self, QMP_TAP_REPLY, call ? call->command : "", message);
    if (!call)
        return;
    if (call->forgotten) {
        g_queue_remove (&self->calls, call);
        call_free (call);
    } else {
        call->reply = json_object_get (message);
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
on_sent (guint64 id, gpointer data)
{
    QmpClient *self = data;
    const Call *call = find_unanswered (self, id);

    if (self->tap && call)
        self->tap (self->label, QMP_TAP_SENT, call->command, "", self->tap_data);
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

static const QmpWireHandler wire_handler = {
    .received = on_received,
    .sent = on_sent,
    .ended = on_ended,
};

/* --- waiting --- */

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

/* Only wakes the wait, which asks the cancellable itself. Gone once it has fired, or it would keep
 * the context from ever sleeping again. */
static gboolean
on_cancelled (GCancellable *cancel, gpointer data)
{
    QmpClient *self = data;

    g_clear_pointer (&self->cancel_source, g_source_unref);
    return G_SOURCE_REMOVE;
}

static void
watch_cancel (QmpClient *self)
{
    if (!self->cancel || self->cancel_source || g_cancellable_is_cancelled (self->cancel))
        return;
    self->cancel_source = g_cancellable_source_new (self->cancel);
    g_source_set_callback (self->cancel_source, G_SOURCE_FUNC (on_cancelled), self, NULL);
    g_source_attach (self->cancel_source, self->context);
}

static Wait
wait_new (const char *awaited, const char *lacking, gint64 timeout_us)
{
    gint64 now_us = g_get_monotonic_time ();

    return (Wait){ .awaited = awaited,
                   .lacking = lacking,
                   .timeout_us = timeout_us,
                   .deadline_us =
                       timeout_us < G_MAXINT64 - now_us ? now_us + timeout_us : G_MAXINT64 };
}

static gboolean
fail_broken (QmpClient *self, GError **error)
{
    g_propagate_error (error, g_error_copy (self->broken));
    return FALSE;
}

/* One turn of a wait, after the caller found that what it waits for is not there yet. FALSE when
 * there is no point in going on. */
static gboolean
wait_turn (QmpClient *self, Wait *wait, GError **error)
{
    g_autofree char *timeout = NULL;

    if (self->broken)
        return fail_broken (self, error);
    if (g_cancellable_is_cancelled (self->cancel))
        return fail (self, error, QMP_ERROR_CANCELLED, "cancelled while waiting for %s",
                     wait->awaited);
    if (wait->late) {
        timeout = qmp_text_duration (wait->timeout_us);
        return fail (self, error, QMP_ERROR_TIMEOUT, "%s within %s", wait->lacking, timeout);
    }
    watch_cancel (self);
    self->awaited = wait->awaited;
    wait->late = !qmp_context_iterate (self->context, wait->deadline_us);
    self->awaited = NULL;
    return TRUE;
}

/* --- calls --- */

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
        return fail_broken (self, error);
    if (g_cancellable_is_cancelled (self->cancel))
        return fail (self, error, QMP_ERROR_CANCELLED, "%s: cancelled before it was sent", command);
    if (oob && !self->has_oob)
        return fail (self, error, QMP_ERROR_PROTOCOL,
                     "%s: this QMP connection takes no out-of-band commands", command);
    if (count_outstanding (self, oob, &forgotten) < MAX_OUTSTANDING)
        return TRUE;
    if (forgotten > 0)
        return fail (self, error, QMP_ERROR_TIMEOUT,
                     "%s: not sent: QEMU has not answered the %d commands before it", command,
                     MAX_OUTSTANDING);
    return fail (self, error, QMP_ERROR_PROTOCOL, "%s: not sent: %d commands are outstanding",
                 command, MAX_OUTSTANDING);
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

    text = qmp_message_command (command, arguments, call->id, oob);
    if (self->tap) {
        g_autofree char *line = g_strndup (text, strlen (text) - 1);

        self->tap (self->label, QMP_TAP_SEND, command, line, self->tap_data);
    }
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
        call_free (call);
    } else {
        call->forgotten = TRUE;
    }
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
        return json_object_get (value);
    excerpt = message_excerpt (call->reply);
    fail (self, error, QMP_ERROR_PROTOCOL, "%s: the answer is neither a return nor an error: %s",
          call->command, excerpt);
    return NULL;
}

static gboolean
await_reply (QmpClient *self, Call *call, Wait *wait, GError **error)
{
    g_autofree char *lacking = g_strconcat (call->command, ": no answer", NULL);

    wait->awaited = call->command;
    wait->lacking = lacking;
    while (!call->reply) {
        if (!wait_turn (self, wait, error))
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
        fail (self, error, QMP_ERROR_PROTOCOL, "nothing was sent with id %" G_GUINT64_FORMAT, id);
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
    return wait_new (NULL, NULL, timeout_us > 0 ? timeout_us : self->reply_timeout_us);
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
        if (!wait_turn (self, wait, error))
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

    if (!socket || g_socket_get_family (socket) != G_SOCKET_FAMILY_UNIX) {
        json_object_put (arguments);
        fail (self, error, QMP_ERROR_PROTOCOL,
              "%s: a file descriptor can only be passed over a unix socket", command);
        return NULL;
    }
    if (!g_unix_fd_message_append_fd (G_UNIX_FD_MESSAGE (control), fd, error)) {
        json_object_put (arguments);
        g_prefix_error (error, "%s: %s: cannot pass file descriptor %d: ", self->label, command,
                        fd);
        return NULL;
    }
    return call_with (self, command, arguments, QMP_CALL_DEFAULT, g_steal_pointer (&control), 0,
                      error);
}

/* --- events --- */

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
    Wait wait = wait_new (awaited, lacking, timeout_us);
    QmpEvent *event;

    while (!(event = qmp_client_take_event (self, name))) {
        if (!wait_turn (self, &wait, error))
            return NULL;
    }
    return event;
}

guint
qmp_client_events_dropped (QmpClient *self)
{
    return self->events_dropped;
}

/* --- opening and closing --- */

static gboolean
await_greeting (QmpClient *self, gint64 timeout_us, GError **error)
{
    g_autoptr (GError) reason = NULL;
    g_autofree char *timeout = qmp_text_duration (timeout_us);
    Wait wait = wait_new (NULL, "no greeting", timeout_us);

    wait.awaited = "the greeting";
    while (!self->greeting) {
        if (wait_turn (self, &wait, &reason))
            continue;
        if (!g_error_matches (reason, QMP_ERROR, QMP_ERROR_TIMEOUT)) {
            g_propagate_error (error, g_steal_pointer (&reason));
            return FALSE;
        }
        return fail (self, error, QMP_ERROR_HELD,
                     "%s accepted the connection but sent no QMP greeting within %s: another "
                     "client holds this monitor, or QEMU does not respond",
                     self->peer, timeout);
    }
    return TRUE;
}

static gboolean
offers_oob (json_object *greeting)
{
    json_object *offered = qmp_peek (greeting, "QMP.capabilities");
    gsize count =
        json_object_is_type (offered, json_type_array) ? json_object_array_length (offered) : 0;

    for (gsize i = 0; i < count; i++) {
        json_object *name = json_object_array_get_idx (offered, i);

        if (json_object_is_type (name, json_type_string) &&
            strcmp (json_object_get_string (name), "oob") == 0)
            return TRUE;
    }
    return FALSE;
}

static guint
version_part (json_object *greeting, const char *path)
{
    return (guint)MIN (qmp_peek_uint (greeting, path, 0), G_MAXUINT);
}

static gboolean
negotiate (QmpClient *self, GError **error)
{
    g_autoptr (json_object) nothing = NULL;
    json_object *arguments = NULL;
    gboolean oob = offers_oob (self->greeting);

    self->version.major = version_part (self->greeting, "QMP.version.qemu.major");
    self->version.minor = version_part (self->greeting, "QMP.version.qemu.minor");
    self->version.micro = version_part (self->greeting, "QMP.version.qemu.micro");
    self->version.package = qmp_peek_string (self->greeting, "QMP.version.package", "");

    if (oob) {
        json_object *enable = json_object_new_array ();

        json_object_array_add (enable, json_object_new_string ("oob"));
        arguments = qmp_object ("enable", enable, NULL);
    }
    nothing = qmp_client_call (self, "qmp_capabilities", arguments, error);
    self->has_oob = nothing && oob;
    return nothing != NULL;
}

static QmpClient *
client_new (GMainContext *context, const char *peer, const QmpClientOptions *options)
{
    QmpClient *self = g_new0 (QmpClient, 1);

    self->context = g_main_context_ref (context);
    self->peer = g_strdup (peer);
    self->label = g_strdup (options->label ? options->label : "QEMU");
    self->cancel = options->cancel;
    self->reply_timeout_us =
        options->reply_timeout_us > 0 ? options->reply_timeout_us : DEFAULT_REPLY_TIMEOUT_US;
    watch_cancel (self);
    return self;
}

static gint64
greeting_timeout (const QmpClientOptions *options)
{
    return options->greeting_timeout_us > 0 ? options->greeting_timeout_us
                                            : DEFAULT_GREETING_TIMEOUT_US;
}

static QmpClient *
open_stream (GMainContext *context, GIOStream *stream, const char *peer,
             const QmpClientOptions *options, GError **error)
{
    g_autoptr (QmpClient) self = client_new (context, peer, options);

    self->wire = qmp_wire_new (context, stream, &wire_handler, self);
    if (!await_greeting (self, greeting_timeout (options), error) || !negotiate (self, error))
        return NULL;
    return g_steal_pointer (&self);
}

QmpClient *
qmp_client_open_stream (GMainContext *context, GIOStream *stream, const QmpClientOptions *options,
                        GError **error)
{
    return open_stream (context, stream, "the peer", options, error);
}

QmpClient *
qmp_client_open (GMainContext *context, const QmpAddress *address, const QmpClientOptions *options,
                 GError **error)
{
    g_autoptr (GSocketConnection) connection = NULL;
    g_autoptr (GSocket) socket =
        qmp_address_connect (address, greeting_timeout (options), options->cancel, error);

    if (!socket) {
        g_prefix_error (error, "%s: ", options->label ? options->label : "QEMU");
        return NULL;
    }
    connection = g_socket_connection_factory_create_connection (socket);
    return open_stream (context, G_IO_STREAM (connection), address->text, options, error);
}

void
qmp_client_close (QmpClient *self)
{
    if (!self)
        return;
    qmp_wire_free (self->wire);
    if (self->cancel_source)
        g_source_destroy (self->cancel_source);
    g_clear_pointer (&self->cancel_source, g_source_unref);
    g_queue_clear_full (&self->calls, call_free);
    g_queue_clear_full (&self->events, (GDestroyNotify)qmp_event_free);
    json_object_put (self->greeting);
    g_clear_error (&self->broken);
    g_main_context_unref (self->context);
    g_free (self->label);
    g_free (self->peer);
    g_free (self);
}

/* --- what is known of the connection --- */

const QmpVersion *
qmp_client_version (QmpClient *self)
{
    return &self->version;
}

gboolean
qmp_client_has_oob (QmpClient *self)
{
    return self->has_oob;
}

pid_t
qmp_client_peer_pid (QmpClient *self)
{
    GSocket *socket = qmp_wire_socket (self->wire);
    g_autoptr (GCredentials) peer = socket ? g_socket_get_credentials (socket, NULL) : NULL;

    return peer ? MAX (g_credentials_get_unix_pid (peer, NULL), 0) : 0;
}

GMainContext *
qmp_client_context (QmpClient *self)
{
    return self->context;
}

const GError *
qmp_client_broken (QmpClient *self)
{
    return self->broken;
}

void
qmp_client_set_tap (QmpClient *self, QmpTap tap, gpointer data)
{
    self->tap = tap;
    self->tap_data = data;
}
