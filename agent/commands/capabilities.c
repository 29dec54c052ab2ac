/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "agent/commands/command.h"

#include <stdio.h>

#include "agent/commands/reach.h"
#include "agent/commands/record.h"
#include "agent/display/text.h"
#include "agent/migration/capability.h"

static const char *
sides_text (CapabilitySides sides)
{
    switch (sides) {
    case SIDES_SOURCE:
        return "source";
    case SIDES_DESTINATION:
        return "destination";
    case SIDES_EACH:
        return "each end";
    case SIDES_SHARED:
        return "both alike";
    }
    return "";
}

/* One of QEMU's entries with what we know of it. */
static json_object *
describe (json_object *entry)
{
    const char *name = qmp_peek_string (entry, "capability", "");
    const Capability *known = capability_find (name);
    json_object *item =
        qmp_object ("name", json_object_new_string (name), "value",
                    json_object_new_boolean (qmp_peek_bool (entry, "state", FALSE)), NULL);

    if (!known)
        return item;
    json_object_object_add (item, "sides", json_object_new_string (sides_text (known->sides)));
    json_object_object_add (item, "meaning", json_object_new_string (known->meaning));
    if (known->since[0])
        json_object_object_add (item, "since", json_object_new_string (known->since));
    return item;
}

static int
compare_items (const void *a, const void *b)
{
    return g_strcmp0 (qmp_peek_string (*(json_object *const *)a, "name", ""),
                      qmp_peek_string (*(json_object *const *)b, "name", ""));
}

static json_object *
describe_all (json_object *entries)
{
    json_object *items = json_object_new_array ();
    gsize count = qmp_length (entries);

    for (gsize i = 0; i < count; i++)
        json_object_array_add (items, describe (json_object_array_get_idx (entries, i)));
    json_object_array_sort (items, compare_items);
    return items;
}

static char *
version_text (json_object *reply)
{
    return g_strdup_printf ("%u.%u.%u", (guint)qmp_peek_uint (reply, "qemu.major", 0),
                            (guint)qmp_peek_uint (reply, "qemu.minor", 0),
                            (guint)qmp_peek_uint (reply, "qemu.micro", 0));
}

static void
print_item (const Style *style, json_object *item)
{
    g_autofree char *name = text_peek (style, item, "name");
    const char *since = qmp_peek_string (item, "since", "");

    printf ("  %-3s  %-24s  %-11s  %-5s  %s\n", qmp_peek_bool (item, "value", FALSE) ? "on" : "off",
            name ? name : "", qmp_peek_string (item, "sides", "?"), since[0] ? since : "-",
            qmp_peek_string (item, "meaning", "not known to this qmpmig"));
}

static void
print_table (const CommandLine *line, const char *vm, const char *version, json_object *items)
{
    Style style = record_style (line);
    g_autofree char *name = text_clean (vm, style.utf8);

    printf ("%s, QEMU %s:\n", name, version);
    printf ("       %-24s  %-11s  %-5s  %s\n", "capability", "set on", "since", "what it does");
    for (gsize i = 0; i < json_object_array_length (items); i++)
        print_item (&style, json_object_array_get_idx (items, i));
}

static void
print_json (const CommandLine *line, const char *vm, const char *version, json_object *items)
{
    g_autoptr (json_object) object = record_line (line, "capabilities");

    json_object_object_add (object, "vm", qmp_object ("name", json_object_new_string (vm), NULL));
    json_object_object_add (object, "version", json_object_new_string (version));
    json_object_object_add (object, "capabilities", json_object_get (items));
    record_print (object);
}

static ExitCode
run_capabilities (const CommandLine *line)
{
    GError *error = NULL;
    g_autoptr (Reach) reach = reach_open (line, &error);
    g_autoptr (json_object) qemu = reach ? reach_qmp (reach, "query-version", NULL, &error) : NULL;
    g_autoptr (json_object) entries =
        qemu ? reach_qmp (reach, "query-migrate-capabilities", NULL, &error) : NULL;
    g_autoptr (json_object) items = NULL;
    g_autofree char *version = NULL;

    if (!entries)
        return command_fail (line, error);
    items = describe_all (entries);
    version = version_text (qemu);
    if (command_global (line)->json)
        print_json (line, reach_vm (reach), version, items);
    else
        print_table (line, reach_vm (reach), version, items);
    return EXIT_DONE;
}

const Command command_capabilities = {
    .name = "capabilities",
    .arguments = "",
    .summary = "what this end can do",
    .description =
        "Lists every migration capability that this QEMU reports: whether it is on, which end has\n"
        "to set it (`both alike`: it must be the same at both ends), the release of QEMU that\n"
        "brought it, and what it does. `migrate` chooses among them by itself; --cap asks for one.",
    .example = "  qmpmig --socket /run/web1.qmp capabilities",
    .run = run_capabilities,
};
