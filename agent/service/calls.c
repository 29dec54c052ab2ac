/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "agent/service/calls.h"

#include "agent/migration/error.h"
#include "agent/service/authority.h"
#include "agent/service/caller.h"
#include "agent/service/reply.h"
#include "qmp/value.h"

/* What is to be done once polkit has agreed. Its migration may have gone meanwhile. */
typedef struct {
    QmpmigMigration1 *interface;
    GDBusMethodInvocation *invocation;
    RequestKind kind;
    json_object *arguments; /* of a request */
    Order *order;           /* of a recovery; NULL: a request */
} Call;

static void
call_free (Call *self)
{
    g_object_unref (self->interface);
    json_object_put (self->arguments);
    order_free (self->order);
    g_free (self);
}

typedef struct {
    Entry *entry;
    CallsRecover recover;
    gpointer data;
} Server;

/* -- Carrying out -- */

static void
on_answer (json_object *answer, gpointer data)
{
    const char *error = qmp_peek_string (answer, "error", NULL);

    if (error)
        reply_code (data, (ExitCode)qmp_peek_uint (answer, "exit_code", EXIT_FAILED), error);
    else
        g_dbus_method_invocation_return_value (data, NULL);
}

static void
ask (Job *job, Call *call)
{
    Request *request = g_new0 (Request, 1);

    request->kind = call->kind;
    request->arguments = g_steal_pointer (&call->arguments);
    request->answered = on_answer;
    request->data = call->invocation;
    job_ask (job, request);
}

static void
carry_out (Server *server, Call *call)
{
    Job *job = entry_job (server->entry);
    ExitCode code = entry_exit_code (server->entry);

    if (!call->order && job)
        ask (job, call);
    else if (!call->order)
        reply_code (call->invocation, EXIT_REFUSED, "this migration has ended");
    else if (job)
        reply_code (call->invocation, EXIT_REFUSED, "this migration has not ended");
    else if (code != EXIT_POSTCOPY_PAUSED && code != EXIT_UNDECIDED && code != EXIT_LEFT)
        reply_code (call->invocation, EXIT_REFUSED, "there is nothing to recover");
    else
        server->recover (server->entry, g_steal_pointer (&call->order), call->invocation,
                         server->data);
}

static void
on_checked (gboolean allowed, const char *why_not, gpointer data)
{
    Call *call = data;
    Server *server = g_object_get_data (G_OBJECT (call->interface), "server");

    if (!allowed)
        reply_code (call->invocation, EXIT_REFUSED, why_not);
    else if (!server)
        reply_code (call->invocation, EXIT_REFUSED, "this migration is no more");
    else
        carry_out (server, call);
    call_free (call);
}

static Call *
call_new (QmpmigMigration1 *interface, GDBusMethodInvocation *invocation)
{
    Call *call = g_new0 (Call, 1);

    call->interface = g_object_ref (interface);
    call->invocation = invocation;
    return call;
}

static gboolean
request (QmpmigMigration1 *interface, GDBusMethodInvocation *invocation, RequestKind kind,
         json_object *arguments, const char *action)
{
    Call *call = call_new (interface, invocation);

    call->kind = kind;
    call->arguments = arguments;
    authority_check (invocation, action, on_checked, call);
    return TRUE;
}

/* -- Methods -- */

/* Texts for our limits, QEMU's own types for its parameters. */
static json_object *
value_to_json (GVariant *value)
{
    if (g_variant_is_of_type (value, G_VARIANT_TYPE_STRING))
        return json_object_new_string (g_variant_get_string (value, NULL));
    if (g_variant_is_of_type (value, G_VARIANT_TYPE_BOOLEAN))
        return json_object_new_boolean (g_variant_get_boolean (value));
    if (g_variant_is_of_type (value, G_VARIANT_TYPE_INT32))
        return json_object_new_int (g_variant_get_int32 (value));
    if (g_variant_is_of_type (value, G_VARIANT_TYPE_UINT32))
        return json_object_new_int64 (g_variant_get_uint32 (value));
    if (g_variant_is_of_type (value, G_VARIANT_TYPE_INT64))
        return json_object_new_int64 (g_variant_get_int64 (value));
    if (g_variant_is_of_type (value, G_VARIANT_TYPE_UINT64))
        return json_object_new_uint64 (g_variant_get_uint64 (value));
    return NULL;
}

static gboolean
add_setting (json_object *arguments, const char *key, GVariant *value, GError **error)
{
    json_object *json = value_to_json (value);

    if (json && caller_may_set (key, error)) {
        json_object_object_add (arguments, key, json);
        return TRUE;
    }
    json_object_put (json);
    return json ? FALSE
                : migrate_fail (error, EXIT_USAGE,
                                "%s: a value is a text, a boolean or a whole number", key);
}

static json_object *
settings_to_json (GVariant *limits, GError **error)
{
    g_autoptr (json_object) arguments = json_object_new_object ();
    GVariantIter iter;
    const char *key;
    GVariant *value;
    gboolean ok = TRUE;

    g_variant_iter_init (&iter, limits);
    while (ok && g_variant_iter_next (&iter, "{&sv}", &key, &value)) {
        ok = add_setting (arguments, key, value, error);
        g_variant_unref (value);
    }
    return ok ? g_steal_pointer (&arguments) : NULL;
}

static gboolean
on_set (QmpmigMigration1 *interface, GDBusMethodInvocation *invocation, GVariant *limits,
        gpointer data)
{
    g_autoptr (GError) error = NULL;
    json_object *arguments = settings_to_json (limits, &error);

    if (!arguments) {
        reply_error (invocation, error);
        return TRUE;
    }
    return request (interface, invocation, REQUEST_SET, arguments, "org.qmpmig.steer");
}

static gboolean
on_finish (QmpmigMigration1 *interface, GDBusMethodInvocation *invocation, const char *by,
           gpointer data)
{
    json_object *arguments = json_object_new_object ();

    if (*by)
        json_object_object_add (arguments, "by", json_object_new_string (by));
    return request (interface, invocation, REQUEST_FINISH, arguments, "org.qmpmig.steer");
}

static gboolean
on_postcopy (QmpmigMigration1 *interface, GDBusMethodInvocation *invocation, gpointer data)
{
    return request (interface, invocation, REQUEST_POSTCOPY, NULL, "org.qmpmig.steer");
}

static gboolean
on_cancel (QmpmigMigration1 *interface, GDBusMethodInvocation *invocation, gpointer data)
{
    return request (interface, invocation, REQUEST_CANCEL, NULL, "org.qmpmig.cancel");
}

static gboolean
on_recover (QmpmigMigration1 *interface, GDBusMethodInvocation *invocation, GVariant *options,
            gpointer data)
{
    Server *server = data;
    g_autoptr (GError) error = NULL;
    Order *order =
        order_new (ORDER_RECOVER, entry_order (server->entry)->address, NULL, options, &error);
    Call *call;

    if (!order) {
        reply_error (invocation, error);
        return TRUE;
    }
    call = call_new (interface, invocation);
    call->order = order;
    authority_check (invocation, order->confirm ? "org.qmpmig.confirm-dead" : "org.qmpmig.start",
                     on_checked, call);
    return TRUE;
}

void
calls_serve (Entry *entry, CallsRecover recover, gpointer data)
{
    QmpmigMigration1 *interface = view_interface (entry_view (entry));
    Server *server = g_new0 (Server, 1);

    *server = (Server){ .entry = entry, .recover = recover, .data = data };
    g_object_set_data_full (G_OBJECT (interface), "server", server, g_free);
    g_signal_connect (interface, "handle-set", G_CALLBACK (on_set), server);
    g_signal_connect (interface, "handle-finish", G_CALLBACK (on_finish), server);
    g_signal_connect (interface, "handle-postcopy", G_CALLBACK (on_postcopy), server);
    g_signal_connect (interface, "handle-cancel", G_CALLBACK (on_cancel), server);
    g_signal_connect (interface, "handle-recover", G_CALLBACK (on_recover), server);
}
