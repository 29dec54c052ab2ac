/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "agent/hook/service.h"

#include <gio/gio.h>
#include <string.h>
#include <syslog.h>

#define BUS_NAME       "org.qmpmig.Agent1"
#define OBJECT_PATH    "/org/qmpmig/Agent1"
#define AGENT          "org.qmpmig.Agent1"
#define MIGRATION      "org.qmpmig.Migration1"
#define HOPELESS       "cannot-within-limits"
#define ANSWER_MS      25000
#define VERDICT_US     (100 * 1000)
#define LOG_IDENTIFIER "qmpmig-hook"

static void
tell_log (const char *guest, const GError *error)
{
    openlog (LOG_IDENTIFIER, LOG_PID, LOG_DAEMON);
    syslog (LOG_WARNING, "%s%sthe service: %s", guest ? guest : "", guest ? ": " : "",
            error->message);
    closelog ();
}

static GVariant *
call (const char *destination, const char *path, const char *interface, const char *method,
      GVariant *arguments, GDBusCallFlags flags, GError **error)
{
    g_autoptr (GDBusConnection) bus = NULL;

    g_variant_take_ref (arguments);
    bus = g_bus_get_sync (G_BUS_TYPE_SYSTEM, NULL, error);
    if (bus)
        g_dbus_connection_set_exit_on_close (bus, FALSE);
    else
        g_variant_unref (arguments);
    return bus ? g_dbus_connection_call_sync (bus, destination, path, interface, method, arguments,
                                              NULL, flags, ANSWER_MS, NULL, error)
               : NULL;
}

/* --- the guest that is about to be moved ----------------------------------------------------- */

static char *
address_of (const ServiceGuest *guest)
{
    return guest->monitor ? g_strdup_printf ("unix:%s", guest->monitor)
                          : g_strdup_printf ("libvirt:%s", guest->name);
}

static GVariant *
steer_arguments (const ServiceGuest *guest)
{
    g_autofree char *address = address_of (guest);
    g_auto (GVariantBuilder) options = G_VARIANT_BUILDER_INIT (G_VARIANT_TYPE_VARDICT);

    if (guest->policy)
        g_variant_builder_add (&options, "{sv}", "policy", g_variant_new_string (guest->policy));
    g_variant_builder_add (&options, "{sv}", "wait", g_variant_new_boolean (TRUE));
    return g_variant_new ("(sa{sv})", address, &options);
}

/* NULL: the migration is gone, and its object with it. */
static char *
get_text (const char *migration, const char *property)
{
    g_autoptr (GVariant) reply = NULL;
    g_autoptr (GVariant) value = NULL;

    reply = call (BUS_NAME, migration, "org.freedesktop.DBus.Properties", "Get",
                  g_variant_new ("(ss)", MIGRATION, property), G_DBUS_CALL_FLAGS_NONE, NULL);
    if (!reply)
        return NULL;
    g_variant_get (reply, "(v)", &value);
    return g_variant_is_of_type (value, G_VARIANT_TYPE_STRING) ? g_variant_dup_string (value, NULL)
                                                               : NULL;
}

/* Whoever asked for it stops waiting some day, and closes the pipe. */
static char *
await_veto (const char *migration)
{
    for (;;) {
        g_autofree char *verdict = get_text (migration, "Verdict");
        g_autofree char *reason = NULL;

        if (!verdict)
            return NULL;
        if (!strcmp (verdict, HOPELESS)) {
            reason = get_text (migration, "Reason");
            return g_strconcat (SERVICE_VETO, reason && *reason ? reason : HOPELESS, NULL);
        }
        if (*verdict && strcmp (verdict, "unknown") != 0)
            return NULL;
        g_usleep (VERDICT_US);
    }
}

char *
service_hand_over (gpointer data)
{
    const ServiceGuest *guest = data;
    const char *migration;
    g_autoptr (GError) error = NULL;
    g_autoptr (GVariant) reply = NULL;

    reply = call (BUS_NAME, OBJECT_PATH, AGENT, "Steer", steer_arguments (guest),
                  G_DBUS_CALL_FLAGS_NONE, &error);
    if (!reply) {
        tell_log (guest->name, error);
        return NULL;
    }
    if (!guest->wants_veto || !g_variant_is_of_type (reply, G_VARIANT_TYPE ("(o)")))
        return NULL;
    g_variant_get (reply, "(&o)", &migration);
    return await_veto (migration);
}

char *
service_wake (gpointer unused)
{
    g_autoptr (GError) error = NULL;
    g_autoptr (GVariant) reply = NULL;

    reply = call ("org.freedesktop.DBus", "/org/freedesktop/DBus", "org.freedesktop.DBus",
                  "StartServiceByName", g_variant_new ("(su)", BUS_NAME, 0), G_DBUS_CALL_FLAGS_NONE,
                  &error);
    if (!reply)
        tell_log (NULL, error);
    return NULL;
}

/* --- how it went ----------------------------------------------------------------------------- */

/* "completed after 12.3 s; /var/lib/qmpmig/traces/..." */
static char *
tell_migration (const ServiceGuest *guest, GVariant *migration)
{
    const char *outcome = NULL;
    const char *trace = NULL;
    guint64 elapsed_us = 0;

    g_variant_lookup (migration, "Outcome", "&s", &outcome);
    g_variant_lookup (migration, "TracePath", "&s", &trace);
    g_variant_lookup (migration, "ElapsedUSec", "t", &elapsed_us);
    return g_strdup_printf ("%s: %s after %.1f s%s%s", guest->name,
                            outcome && *outcome ? outcome : "going on", (double)elapsed_us / 1e6,
                            trace && *trace ? "; the trace is " : "", trace ? trace : "");
}

static char *
find_outcome (const ServiceGuest *guest, GVariant *objects)
{
    GVariantIter iter;
    GVariant *interfaces;
    const char *uuid;
    char *text = NULL;

    g_variant_iter_init (&iter, objects);
    while (g_variant_iter_loop (&iter, "{&o@a{sa{sv}}}", NULL, &interfaces)) {
        g_autoptr (GVariant) migration =
            g_variant_lookup_value (interfaces, MIGRATION, G_VARIANT_TYPE_VARDICT);

        if (!migration || !g_variant_lookup (migration, "VmUuid", "&s", &uuid) ||
            strcmp (uuid, guest->uuid) != 0)
            continue;
        g_free (text);
        text = tell_migration (guest, migration);
    }
    return text;
}

char *
service_outcome (gpointer data)
{
    g_autoptr (GError) error = NULL;
    g_autoptr (GVariant) reply = NULL;
    g_autoptr (GVariant) objects = NULL;

    reply = call (BUS_NAME, OBJECT_PATH, "org.freedesktop.DBus.ObjectManager", "GetManagedObjects",
                  g_variant_new ("()"), G_DBUS_CALL_FLAGS_NO_AUTO_START, &error);
    if (!reply) {
        tell_log (((const ServiceGuest *)data)->name, error);
        return NULL;
    }
    if (!g_variant_is_of_type (reply, G_VARIANT_TYPE ("(a{oa{sa{sv}}})")))
        return NULL;
    objects = g_variant_get_child_value (reply, 0);
    return find_outcome (data, objects);
}
