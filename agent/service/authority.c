/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "agent/service/authority.h"

#include <unistd.h>

#define POLKIT_NAME "org.freedesktop.PolicyKit1"
#define POLKIT_PATH "/org/freedesktop/PolicyKit1/Authority"
/* CheckAuthorization's AllowUserInteraction */
#define ALLOW_INTERACTION 1
/* A person may have to type a password. */
#define ASK_TIMEOUT_MS (5 * 60 * 1000)
/* The bus may have to start polkit first. */
#define LOOK_TIMEOUT_MS (25 * 1000)

typedef struct {
    GDBusConnection *bus;
    char *sender;
    AuthorityFunc func;
    gpointer data;
} Question;

static void
answer (Question *self, gboolean allowed, const char *why_not)
{
    self->func (allowed, why_not, self->data);
    g_object_unref (self->bus);
    g_free (self->sender);
    g_free (self);
}

static void
on_uid (GObject *source, GAsyncResult *result, gpointer data)
{
    Question *self = data;
    g_autoptr (GError) error = NULL;
    g_autoptr (GVariant) reply = g_dbus_connection_call_finish (self->bus, result, &error);
    guint32 uid = G_MAXUINT32;

    if (reply)
        g_variant_get (reply, "(u)", &uid);
    answer (self, reply && (uid == 0 || uid == geteuid ()),
            "there is no polkit here, so only root and the service's own user may");
}

static void
ask_for_uid (Question *self)
{
    g_dbus_connection_call (self->bus, "org.freedesktop.DBus", "/org/freedesktop/DBus",
                            "org.freedesktop.DBus", "GetConnectionUnixUser",
                            g_variant_new ("(s)", self->sender), G_VARIANT_TYPE ("(u)"),
                            G_DBUS_CALL_FLAGS_NONE, LOOK_TIMEOUT_MS, NULL, on_uid, self);
}

static gboolean
is_absence (const GError *error)
{
    return g_error_matches (error, G_DBUS_ERROR, G_DBUS_ERROR_SERVICE_UNKNOWN) ||
           g_error_matches (error, G_DBUS_ERROR, G_DBUS_ERROR_NAME_HAS_NO_OWNER) ||
           g_error_matches (error, G_DBUS_ERROR, G_DBUS_ERROR_SPAWN_SERVICE_NOT_FOUND);
}

static void
on_polkit (GObject *source, GAsyncResult *result, gpointer data)
{
    Question *self = data;
    g_autoptr (GError) error = NULL;
    g_autoptr (GVariant) reply = g_dbus_connection_call_finish (self->bus, result, &error);
    gboolean allowed = FALSE;

    if (!reply && is_absence (error)) {
        ask_for_uid (self);
        return;
    }
    if (reply)
        g_variant_get (reply, "((bba{ss}))", &allowed, NULL, NULL);
    answer (self, allowed, reply ? "polkit says no" : error->message);
}

static GVariant *
question (const char *sender, const char *action, gboolean interactive)
{
    GVariantBuilder subject, details;

    g_variant_builder_init (&subject, G_VARIANT_TYPE ("a{sv}"));
    g_variant_builder_add (&subject, "{sv}", "name", g_variant_new_string (sender));
    g_variant_builder_init (&details, G_VARIANT_TYPE ("a{ss}"));
    return g_variant_new ("((sa{sv})sa{ss}us)", "system-bus-name", &subject, action, &details,
                          interactive ? ALLOW_INTERACTION : 0, "");
}

void
authority_check (GDBusMethodInvocation *invocation, const char *action, AuthorityFunc func,
                 gpointer data)
{
    GDBusMessage *message = g_dbus_method_invocation_get_message (invocation);
    gboolean interactive =
        g_dbus_message_get_flags (message) & G_DBUS_MESSAGE_FLAGS_ALLOW_INTERACTIVE_AUTHORIZATION;
    Question *self = g_new0 (Question, 1);

    *self = (Question){
        .bus = g_object_ref (g_dbus_method_invocation_get_connection (invocation)),
        .sender = g_strdup (g_dbus_method_invocation_get_sender (invocation)),
        .func = func,
        .data = data,
    };
    g_dbus_connection_call (self->bus, POLKIT_NAME, POLKIT_PATH,
                            "org.freedesktop.PolicyKit1.Authority", "CheckAuthorization",
                            question (self->sender, action, interactive),
                            G_VARIANT_TYPE ("((bba{ss}))"), G_DBUS_CALL_FLAGS_NONE,
                            interactive ? ASK_TIMEOUT_MS : LOOK_TIMEOUT_MS, NULL, on_polkit, self);
}
