/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "agent/host/monitor.h"

#include <stdio.h>
#include <string.h>

#include "agent/fault.h"
#include "agent/host/holder.h"
#include "agent/libvirt/session.h"
#include "qmp/value.h"

static gboolean
is_this_host (const QmpAddress *address)
{
    return !strcmp (address->host, "localhost") || !strcmp (address->host, "::1") ||
           g_str_has_prefix (address->host, "127.");
}

static void
explain_held (const QmpAddress *address, GError *error)
{
    g_auto (Holder) holder = { 0 };
    g_autofree char *who = NULL;
    g_autofree char *old = error->message;

    if (address->kind == QMP_ADDRESS_UNIX)
        holder_find (&holder, address->path);
    else if (address->kind == QMP_ADDRESS_TCP && is_this_host (address))
        holder_find_tcp (&holder, address->port);
    who = holder_describe (&holder);
    if (who)
        error->message = g_strdup_printf ("%s (%s)", old, who);
    else
        error->message = g_steal_pointer (&old);
}

/* Passwords and keys go to QEMU in these fields. */
static void
mask_secrets (json_object *arguments)
{
    static const char *const fields[] = { "data", "password", "passwordid" };
    json_object *properties = qmp_peek (arguments, "props");

    for (guint i = 0; i < G_N_ELEMENTS (fields); i++)
        if (qmp_peek (arguments, fields[i]))
            json_object_object_add (arguments, fields[i], json_object_new_string ("***"));
    if (properties)
        mask_secrets (properties);
}

static char *
masked_text (const char *name, const char *message)
{
    static const char *const telling[] = { "object-add", "set_password", "change-vnc-password",
                                           NULL };

    g_autoptr (json_object) object = NULL;
    json_object *arguments;

    if (!g_strv_contains (telling, name))
        return g_strdup (message);
    object = json_tokener_parse (message);
    arguments = qmp_peek (object, "arguments");
    if (!arguments)
        return g_strdup_printf ("{\"execute\": \"%s\", ...}", name);
    mask_secrets (arguments);
    return g_strdup (json_object_to_json_string_ext (object, JSON_C_TO_STRING_PLAIN |
                                                                 JSON_C_TO_STRING_NOSLASHESCAPE));
}

static void
print_message (const char *label, QmpTapKind kind, const char *name, const char *message,
               gpointer data)
{
    g_autofree char *text = NULL;

    if (kind == QMP_TAP_SENT)
        return;
    text = kind == QMP_TAP_SEND ? masked_text (name, message) : g_strdup (message);
    fprintf (stderr, "%s %s %s\n", label, kind == QMP_TAP_SEND ? "->" : "<-", text);
}

static void
on_message (const char *label, QmpTapKind kind, const char *name, const char *message,
            gpointer data)
{
    const GlobalOptions *global = data;

    if (kind == QMP_TAP_SEND)
        fault_point ("send:%s:%s:before", label, name);
    else if (kind == QMP_TAP_SENT)
        fault_point ("send:%s:%s:after", label, name);
    if (global->verbose)
        print_message (label, kind, name, message, NULL);
}

static QmpClient *
connect_libvirt (GMainContext *context, const QmpAddress *address, const QmpClientOptions *options,
                 GError **error)
{
    g_autoptr (GIOStream) stream = libvirt_open_monitor (address, options->reply_timeout_us, error);

    return stream ? qmp_client_take_stream (context, stream, address->text, options) : NULL;
}

QmpClient *
monitor_connect (GMainContext *context, const QmpAddress *address, const char *label,
                 const GlobalOptions *global, GCancellable *cancel, GError **error)
{
    QmpClientOptions options = {
        .label = label,
        .reply_timeout_us = global->reply_timeout_us,
        .cancel = cancel,
        .tap = global->verbose || FAULT_POINTS ? on_message : NULL,
        .tap_data = (gpointer)global,
    };

    if (qmp_address_is_libvirt (address))
        return connect_libvirt (context, address, &options, error);
    return qmp_client_connect (context, address, &options, error);
}

gboolean
monitor_greet (QmpClient *client, const QmpAddress *address, GError **error)
{
    GError *inner = NULL;

    if (qmp_client_greet (client, &inner))
        return TRUE;
    if (g_error_matches (inner, QMP_ERROR, QMP_ERROR_HELD))
        explain_held (address, inner);
    g_propagate_error (error, inner);
    return FALSE;
}

QmpClient *
monitor_open (GMainContext *context, const QmpAddress *address, const char *label,
              const GlobalOptions *global, GCancellable *cancel, GError **error)
{
    g_autoptr (QmpClient) client = monitor_connect (context, address, label, global, cancel, error);

    if (!client || !monitor_greet (client, address, error) || !qmp_client_negotiate (client, error))
        return NULL;
    return g_steal_pointer (&client);
}
