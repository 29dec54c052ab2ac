/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "agent/display/heading.h"

#include <string.h>

#include "agent/display/text.h"
#include "agent/units.h"
#include "qmp/value.h"

static json_object *
find_end (json_object *header, const char *end)
{
    return qmp_peek (qmp_peek (header, "ends"), end);
}

gboolean
heading_is_observed (json_object *header, const char *end)
{
    return qmp_peek_bool (find_end (header, end), "observed", FALSE);
}

char *
heading_vm_name (const Style *style, json_object *header)
{
    char *name = text_peek (style, header, "vm.name");

    return name ? name : g_strdup ("the guest");
}

/* "QEMU 10.0.2"; NULL if we did not see that end. */
static char *
qemu_of (const Style *style, json_object *header, const char *end)
{
    g_autofree char *version = text_peek (style, find_end (header, end), "version");

    if (!heading_is_observed (header, end))
        return NULL;
    return version ? g_strdup_printf ("QEMU %s", version) : g_strdup ("QEMU");
}

char *
heading_end_text (const Style *style, json_object *header, const char *end)
{
    json_object *facts = find_end (header, end);
    g_autofree char *qemu = qemu_of (style, header, end);
    g_autofree char *machine = text_peek (style, facts, "machine");
    g_autofree char *address = text_peek (style, facts, "address");
    GString *out = g_string_new (qemu ? qemu : "not observed");

    if (machine)
        g_string_append_printf (out, ", %s", machine);
    if (address)
        g_string_append_printf (out, ", %s", address);
    return g_string_free (out, FALSE);
}

/* "web1 (4 GiB)" */
static char *
vm_of (const Style *style, json_object *header)
{
    g_autofree char *name = heading_vm_name (style, header);
    guint64 bytes = qmp_peek_uint (header, "ram_bytes", 0);
    g_autofree char *size = units_format_size (bytes);

    return bytes ? g_strdup_printf ("%s (%s)", name, size) : g_steal_pointer (&name);
}

/* The far end of a move: what is there and where it listens. */
static void
append_far_end (GString *out, const char *word, const char *qemu, const char *uri)
{
    if (qemu)
        g_string_append_printf (out, " %s %s", word, qemu);
    if (uri)
        g_string_append_printf (out, " %s %s", qemu ? "at" : word, uri);
}

static char *
moving_text (const Style *style, json_object *header, const char *verb)
{
    g_autofree char *vm = vm_of (style, header);
    g_autofree char *source = qemu_of (style, header, "source");
    g_autofree char *destination = qemu_of (style, header, "destination");
    g_autofree char *uri = text_peek (style, header, "uri");
    GString *out = g_string_new (NULL);

    g_string_append_printf (out, "%s %s", verb, vm);
    if (source)
        g_string_append_printf (out, " from %s", source);
    append_far_end (out, "to", destination, uri);
    if (!destination)
        g_string_append (out, "; destination not observed");
    return g_string_free (out, FALSE);
}

static char *
receiving_text (const Style *style, json_object *header)
{
    g_autofree char *vm = vm_of (style, header);
    g_autofree char *source = qemu_of (style, header, "source");
    g_autofree char *destination = qemu_of (style, header, "destination");
    g_autofree char *uri = text_peek (style, header, "uri");
    GString *out = g_string_new (NULL);

    g_string_append_printf (out, "Receiving %s", vm);
    append_far_end (out, "in", destination, uri);
    if (source)
        g_string_append_printf (out, " from %s", source);
    else
        g_string_append (out, "; source not observed");
    return g_string_free (out, FALSE);
}

static char *
steering_text (const Style *style, json_object *header)
{
    gboolean observes = qmp_peek_bool (header, "observe", FALSE);

    return moving_text (style, header, observes ? "Observing the move of" : "Steering the move of");
}

char *
heading_text (const Style *style, json_object *header, gboolean dry_run)
{
    const char *role = qmp_peek_string (header, "role", "migrate");

    if (!strcmp (role, "incoming"))
        return receiving_text (style, header);
    if (!strcmp (role, "recover"))
        return moving_text (style, header, "Recovering the move of");
    if (!strcmp (role, "steer"))
        return steering_text (style, header);
    if (!strcmp (role, "watch"))
        return moving_text (style, header, "Watching the move of");
    return moving_text (style, header, dry_run ? "Would move" : "Moving");
}
