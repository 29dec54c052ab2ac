/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "qmp/client.h"

#include "qmp/client-private.h"
#include "qmp/text.h"
#include "qmp/value.h"

#include <string.h>

#define DEFAULT_GREETING_TIMEOUT_US (2 * G_USEC_PER_SEC)
#define DEFAULT_REPLY_TIMEOUT_US    (10 * G_USEC_PER_SEC)

gboolean
qmp_client_fail (QmpClient *self, GError **error, QmpError code, const char *format, ...)
{
    g_autofree char *text = NULL;
    va_list arguments;

    va_start (arguments, format);
    text = g_strdup_vprintf (format, arguments);
    va_end (arguments);
    return qmp_fail (error, code, "%s: %s", self->label, text);
}

gboolean
qmp_client_fail_broken (QmpClient *self, GError **error)
{
    g_propagate_error (error, g_error_copy (self->broken));
    return FALSE;
}

static gboolean
await_greeting (QmpClient *self, GError **error)
{
    g_autoptr (GError) reason = NULL;
    g_autofree char *timeout = qmp_text_duration (self->greeting_timeout_us);
    Wait wait = qmp_wait_new (NULL, "no greeting", self->greeting_timeout_us);

    wait.awaited = "the greeting";
    while (!self->greeting) {
        if (qmp_wait_turn (self, &wait, &reason))
            continue;
        if (!g_error_matches (reason, QMP_ERROR, QMP_ERROR_TIMEOUT)) {
            g_propagate_error (error, g_steal_pointer (&reason));
            return FALSE;
        }
        return qmp_client_fail (
            self, error, QMP_ERROR_HELD,
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
    gsize count = qmp_length (offered);

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

static void
read_version (QmpClient *self)
{
    self->version.major = version_part (self->greeting, "QMP.version.qemu.major");
    self->version.minor = version_part (self->greeting, "QMP.version.qemu.minor");
    self->version.micro = version_part (self->greeting, "QMP.version.qemu.micro");
    self->version.package = qmp_peek_string (self->greeting, "QMP.version.package", "");
}

static json_object *
enable_oob (void)
{
    json_object *enable = json_object_new_array ();

    json_object_array_add (enable, json_object_new_string ("oob"));
    return qmp_object ("enable", enable, NULL);
}

gboolean
qmp_client_greet (QmpClient *self, GError **error)
{
    if (!await_greeting (self, error))
        return FALSE;
    read_version (self);
    self->negotiation = qmp_client_send (self, "qmp_capabilities",
                                         offers_oob (self->greeting) ? enable_oob () : NULL,
                                         QMP_CALL_DEFAULT, error);
    return self->negotiation != 0;
}

gboolean
qmp_client_negotiate (QmpClient *self, GError **error)
{
    g_autoptr (GError) why = NULL;
    g_autoptr (json_object) nothing = qmp_client_finish (self, self->negotiation, 0, &why);

    self->has_oob = nothing && offers_oob (self->greeting);
    if (nothing)
        return TRUE;
    /* A monitor that refuses to be spoken to is none that we can use. */
    if (g_error_matches (why, QMP_ERROR, QMP_ERROR_REFUSED))
        why->code = QMP_ERROR_PROTOCOL;
    g_propagate_error (error, g_steal_pointer (&why));
    return FALSE;
}

static gint64
greeting_timeout (const QmpClientOptions *options)
{
    return options->greeting_timeout_us > 0 ? options->greeting_timeout_us
                                            : DEFAULT_GREETING_TIMEOUT_US;
}

static QmpClient *
client_new (GMainContext *context, const char *peer, const QmpClientOptions *options)
{
    QmpClient *self = g_new0 (QmpClient, 1);

    self->context = g_main_context_ref (context);
    self->peer = g_strdup (peer);
    self->label = g_strdup (options->label ? options->label : "QEMU");
    self->cancel = options->cancel;
    self->tap = options->tap;
    self->tap_data = options->tap_data;
    self->greeting_timeout_us = greeting_timeout (options);
    self->reply_timeout_us =
        options->reply_timeout_us > 0 ? options->reply_timeout_us : DEFAULT_REPLY_TIMEOUT_US;
    qmp_client_watch_cancel (self);
    return self;
}

QmpClient *
qmp_client_take_stream (GMainContext *context, GIOStream *stream, const char *peer,
                        const QmpClientOptions *options)
{
    QmpClient *self = client_new (context, peer, options);

    self->wire = qmp_wire_new (context, stream, &qmp_client_input, self);
    return self;
}

/* Takes SELF; NULL is fine. */
static QmpClient *
greeted (QmpClient *self, GError **error)
{
    g_autoptr (QmpClient) owned = self;

    if (!owned || !qmp_client_greet (owned, error) || !qmp_client_negotiate (owned, error))
        return NULL;
    return g_steal_pointer (&owned);
}

QmpClient *
qmp_client_open_stream (GMainContext *context, GIOStream *stream, const QmpClientOptions *options,
                        GError **error)
{
    return greeted (qmp_client_take_stream (context, stream, "the peer", options), error);
}

QmpClient *
qmp_client_connect (GMainContext *context, const QmpAddress *address,
                    const QmpClientOptions *options, GError **error)
{
    g_autoptr (GSocketConnection) connection = NULL;
    g_autoptr (GSocket) socket =
        qmp_address_connect (address, greeting_timeout (options), options->cancel, error);

    if (!socket) {
        g_prefix_error (error, "%s: ", options->label ? options->label : "QEMU");
        return NULL;
    }
    connection = g_socket_connection_factory_create_connection (socket);
    return qmp_client_take_stream (context, G_IO_STREAM (connection), address->text, options);
}

QmpClient *
qmp_client_open (GMainContext *context, const QmpAddress *address, const QmpClientOptions *options,
                 GError **error)
{
    return greeted (qmp_client_connect (context, address, options, error), error);
}

void
qmp_client_close (QmpClient *self)
{
    if (!self)
        return;
    qmp_wire_free (self->wire);
    g_cancellable_disconnect (self->cancel, self->cancel_handler);
    g_queue_clear_full (&self->calls, qmp_call_free);
    g_queue_clear_full (&self->events, (GDestroyNotify)qmp_event_free);
    json_object_put (self->greeting);
    g_clear_error (&self->broken);
    g_main_context_unref (self->context);
    g_free (self->label);
    g_free (self->peer);
    g_free (self);
}

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
