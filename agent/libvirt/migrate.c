/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include <libvirt/libvirt.h>

#include "agent/libvirt/connection.h"
#include "agent/libvirt/domain.h"
#include "agent/libvirt/error.h"
#include "agent/libvirt/job.h"

#define MIB (1024 * 1024)

typedef struct {
    virTypedParameterPtr list;
    int count, room;
} Parameters;

static void
add_string (Parameters *self, const char *name, const char *value)
{
    if (value)
        virTypedParamsAddString (&self->list, &self->count, &self->room, name, value);
}

static void
add_count (Parameters *self, const char *name, guint64 value)
{
    if (value > 0)
        virTypedParamsAddULLong (&self->list, &self->count, &self->room, name, value);
}

static void
add_int (Parameters *self, const char *name, int value)
{
    if (value >= 0)
        virTypedParamsAddInt (&self->list, &self->count, &self->room, name, value);
}

static const char *
level_name (const char *method)
{
    return g_strcmp0 (method, "zlib") == 0 ? VIR_MIGRATE_PARAM_COMPRESSION_ZLIB_LEVEL
                                           : VIR_MIGRATE_PARAM_COMPRESSION_ZSTD_LEVEL;
}

static void
add_all (Parameters *self, const LibvirtMigration *migration)
{
    gboolean is_xbzrle = migration->flags & LIBVIRT_MIGRATE_XBZRLE;

    add_string (self, VIR_MIGRATE_PARAM_URI, migration->migrate_uri);
    add_string (self, VIR_MIGRATE_PARAM_TLS_DESTINATION, migration->tls_hostname);
    add_string (self, VIR_MIGRATE_PARAM_COMPRESSION, is_xbzrle ? "xbzrle" : migration->compression);
    add_count (self, VIR_MIGRATE_PARAM_COMPRESSION_XBZRLE_CACHE, migration->xbzrle_bytes);
    /* libvirt counts in MiB/s. */
    add_count (self, VIR_MIGRATE_PARAM_BANDWIDTH,
               (migration->bandwidth_bytes_per_s + MIB - 1) / MIB);
    if (migration->channels > 0)
        add_int (self, VIR_MIGRATE_PARAM_PARALLEL_CONNECTIONS, (int)migration->channels);
    if (migration->compression)
        add_int (self, level_name (migration->compression), migration->compression_level);
}

static unsigned int
flags_of (const LibvirtMigration *migration)
{
    static const struct {
        LibvirtMigrateFlags ours;
        unsigned int theirs;
    } known[] = {
        { LIBVIRT_MIGRATE_AUTO_CONVERGE, VIR_MIGRATE_AUTO_CONVERGE },
        { LIBVIRT_MIGRATE_POSTCOPY, VIR_MIGRATE_POSTCOPY },
        { LIBVIRT_MIGRATE_PARALLEL, VIR_MIGRATE_PARALLEL },
        { LIBVIRT_MIGRATE_TLS, VIR_MIGRATE_TLS },
        { LIBVIRT_MIGRATE_XBZRLE, VIR_MIGRATE_COMPRESSED },
        { LIBVIRT_MIGRATE_COPY_DISKS, VIR_MIGRATE_NON_SHARED_DISK },
        { LIBVIRT_MIGRATE_COPY_TOPS, VIR_MIGRATE_NON_SHARED_INC },
        { LIBVIRT_MIGRATE_ZERO_COPY, VIR_MIGRATE_ZEROCOPY },
        { LIBVIRT_MIGRATE_PERSIST, VIR_MIGRATE_PERSIST_DEST | VIR_MIGRATE_UNDEFINE_SOURCE },
        { LIBVIRT_MIGRATE_UNSAFE, VIR_MIGRATE_UNSAFE },
    };
    unsigned int flags = VIR_MIGRATE_PEER2PEER;

    for (gsize i = 0; i < G_N_ELEMENTS (known); i++)
        if (migration->flags & known[i].ours)
            flags |= known[i].theirs;
    if (migration->compression)
        flags |= VIR_MIGRATE_COMPRESSED;
    if (!(migration->flags & LIBVIRT_MIGRATE_OFFLINE))
        flags |= VIR_MIGRATE_LIVE;
    return flags;
}

/* A domain that is defined here stays defined where it runs. */
static unsigned int
persistence (virDomainPtr domain)
{
    return virDomainIsPersistent (domain) == 1
               ? VIR_MIGRATE_PERSIST_DEST | VIR_MIGRATE_UNDEFINE_SOURCE
               : 0;
}

gboolean
job_migrate (LibvirtConnection *connection, const char *name, const LibvirtMigration *migration,
             GError **error)
{
    Parameters parameters = { 0 };
    virConnectPtr held = connection_hold (connection, error);
    virDomainPtr domain = held ? domain_look_up (held, name, error) : NULL;
    int failed = -1;

    if (domain) {
        add_all (&parameters, migration);
        failed = virDomainMigrateToURI3 (domain, migration->destination, parameters.list,
                                         (unsigned int)parameters.count,
                                         flags_of (migration) | persistence (domain));
        if (failed)
            error_take (error, "migrate");
        if (failed && error && virConnectIsAlive (held) == 0)
            (*error)->code = LIBVIRT_ERROR_UNREACHABLE;
        virTypedParamsFree (parameters.list, parameters.count);
        virDomainFree (domain);
    }
    if (held)
        virConnectClose (held);
    return failed == 0;
}
