/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* A module in the place of libvirt's: $FAKE_LIBVIRT is a folder in which a test says what libvirt
 * knows, and reads what it was asked.
 *
 * away          while it exists, there is no libvirtd
 * domains       lines of NAME UUID: those that run
 * UUID.job      "out" or "in": a migration under way
 * NAME.xml      its definition; NAME.qmp: its monitor; so may UUID.xml be
 * events        a pipe: lines of KIND NAME UUID TEXT
 * NAME.moved    it says what came of a migration, once it is there: "ok", "aborted" or why not
 * asked         what was called */
#include <stdio.h>
#include <string.h>

#include <gio/gunixsocketaddress.h>

#include "agent/libvirt/module.h"

#define POLL_PERIOD_US (20 * G_TIME_SPAN_MILLISECOND)

struct LibvirtConnection {
    char *auth_file;
    LibvirtWatchFunc func;
    gpointer data;
};

static char *
file_of (const char *name, const char *ending)
{
    g_autofree char *file = g_strconcat (name, ending, NULL);

    return g_build_filename (g_getenv ("FAKE_LIBVIRT"), file, NULL);
}

static char *
text_of (const char *name, const char *ending)
{
    g_autofree char *file = file_of (name, ending);
    char *text = NULL;

    g_file_get_contents (file, &text, NULL, NULL);
    return text ? g_strchomp (text) : NULL;
}

static void
note (const char *call, const char *about)
{
    g_autofree char *file = file_of ("asked", "");
    FILE *stream = fopen (file, "a");

    fprintf (stream, "%s %s\n", call, about ? about : "");
    fclose (stream);
}

static LibvirtConnection *
open_it (const LibvirtOptions *options, GError **error)
{
    g_autofree char *away = file_of ("away", "");
    LibvirtConnection *self;

    note ("open", options->auth_file);
    if (g_file_test (away, G_FILE_TEST_EXISTS)) {
        g_set_error (error, LIBVIRT_ERROR, LIBVIRT_ERROR_UNREACHABLE, "nobody is at %s",
                     options->uri);
        return NULL;
    }
    self = g_new0 (LibvirtConnection, 1);
    self->auth_file = g_strdup (options->auth_file);
    return self;
}

/* -- Domains -- */

static LibvirtDomain *
domain_new (const char *name, const char *uuid)
{
    LibvirtDomain *self = g_new0 (LibvirtDomain, 1);

    self->name = g_strdup (name);
    self->uuid = g_strdup (uuid);
    self->xml = text_of (name, ".xml");
    self->is_active = TRUE;
    return self;
}

static void
free_domain (LibvirtDomain *self)
{
    g_free (self->name);
    g_free (self->uuid);
    g_free (self->xml);
    g_free (self);
}

static void
free_item (gpointer data)
{
    free_domain (data);
}

static GPtrArray *
list (LibvirtConnection *self, GError **error)
{
    GPtrArray *domains = g_ptr_array_new_with_free_func (free_item);
    g_autofree char *text = text_of ("domains", "");
    g_auto (GStrv) lines = g_strsplit (text ? text : "", "\n", -1);

    for (guint i = 0; lines[i]; i++) {
        g_auto (GStrv) words = g_strsplit (lines[i], " ", 2);

        if (words[0] && words[1])
            g_ptr_array_add (domains, domain_new (words[0], words[1]));
    }
    return domains;
}

static LibvirtDomain *
find (LibvirtConnection *self, const char *name, GError **error)
{
    g_autofree char *file = file_of (name, ".xml");

    note ("find", name);
    if (g_file_test (file, G_FILE_TEST_EXISTS))
        return domain_new (name, name);
    g_set_error (error, LIBVIRT_ERROR, LIBVIRT_ERROR_NO_DOMAIN, "%s is not here", name);
    return NULL;
}

static gboolean
job (LibvirtConnection *self, const char *uuid, LibvirtJob *ret_job, GError **error)
{
    g_autofree char *text = text_of (uuid, ".job");

    note ("job", uuid);
    *ret_job = (LibvirtJob){ .state = text ? LIBVIRT_JOB_RUNNING : LIBVIRT_JOB_NONE,
                             .is_outgoing = g_strcmp0 (text, "out") == 0 };
    return TRUE;
}

static GIOStream *
open_monitor (LibvirtConnection *self, const char *name, GError **error)
{
    g_autofree char *path = file_of (name, ".qmp");
    g_autoptr (GSocketAddress) address = g_unix_socket_address_new (path);
    g_autoptr (GSocketClient) client = g_socket_client_new ();
    GSocketConnection *connection =
        g_socket_client_connect (client, G_SOCKET_CONNECTABLE (address), NULL, NULL);

    note ("monitor", name);
    if (!connection)
        g_set_error (error, LIBVIRT_ERROR, LIBVIRT_ERROR_NO_DOMAIN, "%s is not here", name);
    return (GIOStream *)connection;
}

/* -- Moves -- */

static gboolean
migrate (LibvirtConnection *self, const char *name, const LibvirtMigration *migration,
         GError **error)
{
    g_autofree char *text = NULL;
    LibvirtErrorCode code;

    note ("migrate", migration->destination);
    while (!(text = text_of (name, ".moved")))
        g_usleep (POLL_PERIOD_US);
    if (strcmp (text, "ok") == 0)
        return TRUE;
    code = strcmp (text, "aborted") == 0 ? LIBVIRT_ERROR_ABORTED : LIBVIRT_ERROR_REFUSED;
    g_set_error (error, LIBVIRT_ERROR, code, "migrate: %s", text);
    return FALSE;
}

/* -- Events -- */

static void
tell (const LibvirtConnection *self, char **words)
{
    static const char *const kinds[] = { "connected", "lost", "lifecycle",
                                         "migration", "pass", "ended" };
    LibvirtEvent event = { 0 };

    while (strcmp (kinds[event.kind], words[0]) != 0)
        event.kind++;
    if (event.kind > LIBVIRT_EVENT_LOST) {
        event.domain = words[1];
        event.uuid = words[2];
    }
    if (event.kind == LIBVIRT_EVENT_MIGRATION)
        event.text = words[3];
    else if (event.kind > LIBVIRT_EVENT_LOST)
        event.state = (int)g_ascii_strtoll (words[3], NULL, 10);
    self->func (&event, self->data);
}

static gpointer
listen_to (gpointer data)
{
    g_autofree char *path = file_of ("events", "");
    FILE *pipe = fopen (path, "r+");
    char line[256];

    while (fgets (line, sizeof line, pipe)) {
        g_auto (GStrv) words = g_strsplit (g_strchomp (line), " ", 4);

        tell (data, words);
    }
    return NULL;
}

static gboolean
watch (LibvirtConnection *self, LibvirtWatchFunc func, gpointer data, GDestroyNotify free_data,
       GError **error)
{
    note ("watch", self->auth_file);
    self->func = func;
    self->data = data;
    g_thread_unref (g_thread_new ("events", listen_to, self));
    return TRUE;
}

static void
unwatch (LibvirtConnection *self)
{
    note ("unwatch", self->auth_file);
}

extern const LibvirtModule qmpmig_libvirt_module;

__attribute__ ((visibility ("default"))) const LibvirtModule qmpmig_libvirt_module = {
    .size = sizeof (LibvirtModule),
    .abi = LIBVIRT_MODULE_ABI,
    .open = open_it,
    .list = list,
    .find = find,
    .free_domain = free_domain,
    .watch = watch,
    .unwatch = unwatch,
    .open_monitor = open_monitor,
    .job = job,
    .migrate = migrate,
};
