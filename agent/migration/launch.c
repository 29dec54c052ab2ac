/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "agent/migration/launch.h"

#include <string.h>

#include "agent/libvirt/session.h"
#include "agent/migration/error.h"

#define KNOWN_UNSAFE "disk-cache"

struct Launch {
    gatomicrefcount refs;
    const LibvirtModule *module;
    LibvirtConnection *connection;
    char *domain;
    LibvirtMigration what;
    GMainContext *context;
    GMutex lock;
    gboolean is_over;
    GError *error;
};

/* -- What is asked for -- */

/* Each is QEMU's own affair, which libvirt sets as it sees fit. */
static gboolean
check_given (const MigrateOptions *o, GError **error)
{
    static const struct {
        const char *option, *why;
    } refused[] = {
        { "dest-socket", "libvirt itself speaks to the receiving end" },
        { "cap", "libvirt sets every capability" },
        { "param", "libvirt sets its parameters at the start: use `set` while it runs" },
        { "on-success", "libvirt ends the source's QEMU itself" },
    };

    for (gsize i = 0; i < G_N_ELEMENTS (refused); i++)
        if (g_hash_table_contains (o->given, refused[i].option) ||
            (o->dest_socket && g_str_equal (refused[i].option, "dest-socket")))
            return migrate_fail (error, EXIT_USAGE, "--%s cannot be used with --libvirt: %s",
                                 refused[i].option, refused[i].why);
    return TRUE;
}

static gboolean
check_values (const MigrateOptions *o, GError **error)
{
    if (!o->uri || !strstr (o->uri, "://"))
        return migrate_fail (error, EXIT_USAGE,
                             "migrate: with --libvirt the URI is that of the other host's libvirt, "
                             "such as qemu+ssh://HOST/system, not \"%s\"",
                             o->uri ? o->uri : "");
    if (o->if_stuck != QMPMIG_STUCK_WAIT)
        return migrate_fail (error, EXIT_USAGE,
                             "--if-stuck cannot be used with --libvirt: only libvirt pauses its "
                             "guests, and `cancel` aborts");
    if (o->tls.kind == TLS_X509 || o->tls.kind == TLS_PSK)
        return migrate_fail (error, EXIT_USAGE,
                             "--tls: with --libvirt it is `--tls libvirt`: the certificates are "
                             "those of libvirt's qemu.conf");
    for (guint i = 0; o->unsafe && o->unsafe[i]; i++)
        if (strcmp (o->unsafe[i], KNOWN_UNSAFE) != 0)
            return migrate_fail (
                error, EXIT_USAGE,
                "--unsafe: nothing is called \"%s\"; known with --libvirt: " KNOWN_UNSAFE,
                o->unsafe[i]);
    return TRUE;
}

gboolean
launch_check (const GlobalOptions *global, const MigrateOptions *options, GError **error)
{
    return check_given (options, error) && check_values (options, error);
}

static gboolean
wants_channels (const MigrateOptions *o)
{
    return o->multifd_channels > 0 || o->compress_method || o->zero_copy;
}

LibvirtMigrateFlags
launch_flags (const MigrateOptions *o)
{
    LibvirtMigrateFlags flags = 0;

    if (o->throttle != THROTTLE_OFF)
        flags |= LIBVIRT_MIGRATE_AUTO_CONVERGE;
    if (o->postcopy == POSTCOPY_FALLBACK || o->postcopy == POSTCOPY_NOW)
        flags |= LIBVIRT_MIGRATE_POSTCOPY;
    if (wants_channels (o))
        flags |= LIBVIRT_MIGRATE_PARALLEL;
    if (o->tls.kind == TLS_LIBVIRT)
        flags |= LIBVIRT_MIGRATE_TLS;
    if (o->xbzrle)
        flags |= LIBVIRT_MIGRATE_XBZRLE;
    if (o->storage == STORAGE_ALL)
        flags |= LIBVIRT_MIGRATE_COPY_DISKS;
    if (o->storage == STORAGE_TOP)
        flags |= LIBVIRT_MIGRATE_COPY_TOPS;
    if (o->zero_copy)
        flags |= LIBVIRT_MIGRATE_ZERO_COPY;
    if (o->offline)
        flags |= LIBVIRT_MIGRATE_OFFLINE;
    if (o->unsafe)
        flags |= LIBVIRT_MIGRATE_UNSAFE;
    return flags;
}

static LibvirtMigration
wanted (const MigrateOptions *o)
{
    guint64 bandwidth = o->bandwidth_bytes_per_s;

    return (LibvirtMigration){
        .destination = g_strdup (o->uri),
        .flags = launch_flags (o),
        .tls_hostname = g_strdup (o->tls.hostname),
        .compression = g_strdup (o->compress_method),
        .compression_level = o->compress_level,
        .channels = o->multifd_channels,
        .xbzrle_bytes = o->xbzrle_cache_bytes,
        .bandwidth_bytes_per_s = bandwidth == UNITS_UNLIMITED ? 0 : bandwidth,
    };
}

/* -- The call -- */

static Launch *
launch_ref (Launch *self)
{
    g_atomic_ref_count_inc (&self->refs);
    return self;
}

void
launch_unref (Launch *self)
{
    if (!self || !g_atomic_ref_count_dec (&self->refs))
        return;
    g_free (self->domain);
    g_free ((char *)self->what.destination);
    g_free ((char *)self->what.tls_hostname);
    g_free ((char *)self->what.compression);
    g_main_context_unref (self->context);
    g_mutex_clear (&self->lock);
    g_clear_error (&self->error);
    g_free (self);
}

static gpointer
run (gpointer data)
{
    Launch *self = data;
    GError *error = NULL;
    gboolean ok = self->module->migrate (self->connection, self->domain, &self->what, &error);

    g_mutex_lock (&self->lock);
    self->is_over = TRUE;
    self->error = ok ? NULL : error;
    g_mutex_unlock (&self->lock);
    g_main_context_wakeup (self->context);
    launch_unref (self);
    return NULL;
}

Launch *
launch_begin (const GlobalOptions *global, const MigrateOptions *options, GMainContext *context,
              GError **error)
{
    const LibvirtModule *module;
    LibvirtConnection *connection =
        libvirt_connection (global->socket, global->reply_timeout_us, &module, error);
    Launch *self;

    if (!connection)
        return NULL;
    self = g_new0 (Launch, 1);
    g_atomic_ref_count_init (&self->refs);
    self->module = module;
    self->connection = connection;
    self->domain = g_strdup (global->socket->domain);
    self->what = wanted (options);
    self->context = g_main_context_ref (context);
    g_mutex_init (&self->lock);
    g_thread_unref (g_thread_new ("migrate", run, launch_ref (self)));
    return self;
}

gboolean
launch_is_over (Launch *self)
{
    gboolean is_over;

    g_mutex_lock (&self->lock);
    is_over = self->is_over;
    g_mutex_unlock (&self->lock);
    return is_over;
}

const GError *
launch_error (Launch *self)
{
    return self->error;
}
