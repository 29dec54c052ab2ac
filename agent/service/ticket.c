/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "agent/service/ticket.h"

#include <glib/gstdio.h>

#include "agent/control.h"
#include "qmp/value.h"

struct Ticket {
    char *path;
};

static char *
folder (void)
{
    g_autofree char *runtime = control_runtime_dir ();

    return g_build_filename (runtime, "tickets", NULL);
}

static void
write_ticket (const char *path, const Order *order, const char *id, json_object *found)
{
    g_autoptr (json_object) json = order_to_json (order);
    g_autoptr (GError) error = NULL;

    if (id)
        json_object_object_add (json, "id", json_object_new_string (id));
    if (found)
        json_object_object_add (json, "found", json_object_get (found));
    if (!g_file_set_contents_full (path, json_object_to_json_string_ext (json, 0), -1,
                                   G_FILE_SET_CONTENTS_CONSISTENT, 0600, &error))
        g_warning ("after a crash this migration would not be gone on with: %s", error->message);
}

Ticket *
ticket_new (const Order *order)
{
    static guint last;
    g_autofree char *dir = folder ();
    g_autofree char *name =
        g_strdup_printf ("%" G_GINT64_FORMAT "-%u.json", g_get_real_time (), ++last);
    Ticket *self = g_new0 (Ticket, 1);

    g_mkdir_with_parents (dir, 0700); /* if not, the ticket says so */
    self->path = g_build_filename (dir, name, NULL);
    write_ticket (self->path, order, NULL, NULL);
    return self;
}

void
ticket_update (Ticket *self, const Order *order, const char *id, json_object *found)
{
    write_ticket (self->path, order, id, found);
}

void
ticket_free (Ticket *self, gboolean keep)
{
    if (!self)
        return;
    if (!keep)
        g_unlink (self->path);
    g_free (self->path);
    g_free (self);
}

static Order *
read_ticket (const char *path)
{
    g_autofree char *text = NULL;
    g_autoptr (json_object) json = NULL;

    if (!g_file_get_contents (path, &text, NULL, NULL))
        return NULL;
    json = json_tokener_parse (text);
    return order_from_json (json);
}

GPtrArray *
ticket_take_all (void)
{
    GPtrArray *orders = g_ptr_array_new ();
    g_autofree char *dir = folder ();
    g_autoptr (GDir) entries = g_dir_open (dir, 0, NULL);
    const char *name;

    while (entries && (name = g_dir_read_name (entries))) {
        g_autofree char *path = g_build_filename (dir, name, NULL);
        Order *order = read_ticket (path);

        g_unlink (path);
        if (order)
            g_ptr_array_add (orders, order);
    }
    return orders;
}
