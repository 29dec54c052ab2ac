/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* The service as the hooks meet it: answers, refuses, hangs or dies; writes each call to a file. */
#include <gio/gio.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

typedef struct {
    const char *manner;
    const char *record;
} Fake;

static const char introspection[] =
    "<node>"
    "<interface name='org.qmpmig.Agent1'>"
    "<method name='Steer'><arg type='s' direction='in'/><arg type='a{sv}' direction='in'/>"
    "<arg type='o' direction='out'/></method></interface>"
    "<interface name='org.freedesktop.DBus.ObjectManager'>"
    "<method name='GetManagedObjects'><arg type='a{oa{sa{sv}}}' direction='out'/></method>"
    "</interface></node>";

static const char migration_introspection[] =
    "<node><interface name='org.qmpmig.Migration1'>"
    "<property name='Verdict' type='s' access='read'/>"
    "<property name='Reason' type='s' access='read'/></interface></node>";

static const char objects[] =
    "({objectpath '/org/qmpmig/Agent1/migration/one': {'org.qmpmig.Migration1':"
    "{'VmUuid': <'4dea22b3-1d52-d8f3-2516-782e98ab3fa0'>, 'Outcome': <'completed'>,"
    "'ElapsedUSec': <uint64 12300000>, 'TracePath': <'/var/lib/qmpmig/traces/one.jsonl'>}}},)";

static void
record (const Fake *self, const char *method, GVariant *arguments)
{
    g_autofree char *text = g_variant_print (arguments, FALSE);
    g_autofree char *line = g_strdup_printf ("%s %s\n", method, text);
    FILE *file = fopen (self->record, "a");

    if (!file)
        abort ();
    fputs (line, file);
    fclose (file);
}

static void
answer (GDBusMethodInvocation *call, const char *method)
{
    if (!strcmp (method, "Steer"))
        g_dbus_method_invocation_return_value (
            call, g_variant_new ("(o)", "/org/qmpmig/Agent1/migration/one"));
    else
        g_dbus_method_invocation_return_value (call,
                                               g_variant_parse (NULL, objects, NULL, NULL, NULL));
}

static void
on_call (GDBusConnection *bus, const char *sender, const char *path, const char *interface,
         const char *method, GVariant *arguments, GDBusMethodInvocation *call, gpointer self)
{
    const Fake *fake = self;

    record (fake, method, arguments);
    if (!strcmp (fake->manner, "answers") || g_str_has_prefix (fake->manner, "says-"))
        answer (call, method);
    else if (!strcmp (fake->manner, "refuses"))
        g_dbus_method_invocation_return_dbus_error (call, "org.qmpmig.Error.Refused",
                                                    "somebody steers it already");
    else if (!strcmp (fake->manner, "fails"))
        g_dbus_method_invocation_return_dbus_error (call, "org.qmpmig.Error.Failed", "a mistake");
    else if (!strcmp (fake->manner, "dies"))
        _exit (1);
    /* hangs: no answer, ever */
}

static const GDBusInterfaceVTable vtable = { .method_call = on_call };

/* "says-VERDICT" */
static GVariant *
on_get (GDBusConnection *bus, const char *sender, const char *path, const char *interface,
        const char *property, GError **error, gpointer self)
{
    const Fake *fake = self;

    if (!strcmp (property, "Reason"))
        return g_variant_new_string ("no policy can end it within the limits");
    return g_variant_new_string (g_str_has_prefix (fake->manner, "says-") ? fake->manner + 5
                                                                          : "unknown");
}

static const GDBusInterfaceVTable migration_vtable = { .get_property = on_get };

static void
on_bus (GDBusConnection *bus, const char *name, gpointer self)
{
    GDBusNodeInfo *node = g_dbus_node_info_new_for_xml (introspection, NULL);

    for (int i = 0; node->interfaces[i]; i++)
        g_dbus_connection_register_object (bus, "/org/qmpmig/Agent1", node->interfaces[i], &vtable,
                                           self, NULL, NULL);
    node = g_dbus_node_info_new_for_xml (migration_introspection, NULL);
    g_dbus_connection_register_object (bus, "/org/qmpmig/Agent1/migration/one", node->interfaces[0],
                                       &migration_vtable, self, NULL, NULL);
}

static void
on_name (GDBusConnection *bus, const char *name, gpointer self)
{
    record (self, "running", g_variant_ref_sink (g_variant_new ("()")));
}

int
main (int argc, char **argv)
{
    Fake fake = { .manner = argv[1], .record = argv[2] };

    if (argc != 3)
        return 2;
    if (!strcmp (fake.manner, "crashes"))
        return 1;
    g_bus_own_name (G_BUS_TYPE_SYSTEM, "org.qmpmig.Agent1", G_BUS_NAME_OWNER_FLAGS_NONE, on_bus,
                    on_name, NULL, &fake, NULL);
    g_main_loop_run (g_main_loop_new (NULL, FALSE));
    return 0;
}
