/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* What the module LIBDIR/qmpmig/modules/libvirt.so offers to the core, which does not link libvirt:
 * one constant table, found by its name. Both come from the same source; size and ABI number stand
 * first for the sake of a half-made upgrade.
 *
 * Any thread may call any of these. libvirt's own calls block without a timeout: each is made on a
 * worker, and one that does not come back within the connection's timeout is abandoned and counted,
 * and the caller gets LIBVIRT_ERROR_TIMEOUT. A connection that is lost (libvirtd was restarted, an
 * idle virtqemud had gone) is made anew in the background; calls wait for it within their timeout,
 * watches and monitors go on by themselves. */
#pragma once

#include <gio/gio.h>
#include <sys/types.h>

#define LIBVIRT_MODULE_ABI    1
#define LIBVIRT_MODULE_SYMBOL "qmpmig_libvirt_module"

#define LIBVIRT_ERROR (g_quark_from_static_string ("qmpmig-libvirt-error"))

typedef enum {
    LIBVIRT_ERROR_UNREACHABLE, /* no libvirtd there, or the connection is lost */
    LIBVIRT_ERROR_AUTH,        /* it asks for a name and password that we do not have */
    LIBVIRT_ERROR_NO_DOMAIN,   /* none of that name or uuid */
    LIBVIRT_ERROR_REFUSED,     /* libvirt, or the QEMU behind it, says no */
    LIBVIRT_ERROR_TIMEOUT,     /* the call was abandoned */
    LIBVIRT_ERROR_ABORTED,     /* the job was, on request */
} LibvirtErrorCode;

typedef struct LibvirtConnection LibvirtConnection;

typedef struct {
    const char *uri;       /* NULL: $LIBVIRT_DEFAULT_URI, then qemu:///system */
    const char *auth_file; /* libvirt's auth.conf with name and password for SASL; NULL: where
                              libvirt itself looks ($LIBVIRT_AUTH_FILE, /etc/libvirt/auth.conf) */
    gint64 timeout_us;     /* for each call; 0: 10 s */
} LibvirtOptions;

/* A domain as it was when asked for. */
typedef struct {
    char *name;
    char *uuid;
    char *metadata; /* its <metadata> element as XML, NULL: none */
    char *xml;      /* the whole of its live definition */
    gboolean is_active;
    pid_t pid; /* of its QEMU, by libvirt's pid file; 0: not known (another host, no right) */
} LibvirtDomain;

typedef enum {
    LIBVIRT_EVENT_CONNECTED, /* again: ask for the domains anew; DOMAIN is NULL */
    LIBVIRT_EVENT_LOST,      /* the connection; DOMAIN is NULL */
    LIBVIRT_EVENT_LIFECYCLE, /* STATE and DETAIL: virDomainEventType and its details */
    LIBVIRT_EVENT_MIGRATION, /* TEXT: QEMU's migration status ("setup", "active", ...) */
    LIBVIRT_EVENT_PASS,      /* STATE: the pass that QEMU begins */
    LIBVIRT_EVENT_JOB_ENDED, /* libvirt's job is over: STATE 1 success, 0 failure, -1 not told */
} LibvirtEventKind;

typedef struct {
    LibvirtEventKind kind;
    const char *domain; /* its name; borrowed for the call, as the rest */
    const char *uuid;
    int state;
    int detail;
    const char *text; /* NULL where the kind has none */
} LibvirtEvent;

/* Called in threads of the module's: it has to return at once, must not call the module, and
 * belongs to no main context; g_main_context_invoke() brings the event to where it is wanted. */
typedef void (*LibvirtWatchFunc) (const LibvirtEvent *event, gpointer data);

typedef enum { LIBVIRT_JOB_NONE, LIBVIRT_JOB_RUNNING, LIBVIRT_JOB_OVER } LibvirtJobState;

typedef struct {
    LibvirtJobState state;
    gboolean is_outgoing; /* a migration away; of others only STATE is told */
    guint64 elapsed_us;   /* G_MAXUINT64 in these: not told */
    guint64 total_bytes, remaining_bytes, sent_bytes; /* memory */
    guint64 pass;
    guint64 downtime_us; /* expected, and measured when it is over */
} LibvirtJob;

typedef enum {
    LIBVIRT_MIGRATE_AUTO_CONVERGE = 1 << 0,
    LIBVIRT_MIGRATE_POSTCOPY = 1 << 1,   /* may be switched to */
    LIBVIRT_MIGRATE_PARALLEL = 1 << 2,   /* multifd, with CHANNELS */
    LIBVIRT_MIGRATE_TLS = 1 << 3,        /* with libvirt's own certificates */
    LIBVIRT_MIGRATE_XBZRLE = 1 << 4,     /* with XBZRLE_BYTES */
    LIBVIRT_MIGRATE_COPY_DISKS = 1 << 5, /* those that are not shared, whole */
    LIBVIRT_MIGRATE_ZERO_COPY = 1 << 6,
    LIBVIRT_MIGRATE_PERSIST = 1 << 7,    /* define it there, and no longer here */
    LIBVIRT_MIGRATE_OFFLINE = 1 << 8,    /* stop the guest first */
    LIBVIRT_MIGRATE_UNSAFE = 1 << 9,     /* whatever the caches of its disks are */
    LIBVIRT_MIGRATE_COPY_TOPS = 1 << 10, /* the same, without their backing files */
} LibvirtMigrateFlags;

typedef struct {
    const char *destination; /* libvirt's URI of the other host */
    LibvirtMigrateFlags flags;
    const char *migrate_uri; /* of the stream; NULL: libvirt makes one */
    const char *tls_hostname;
    const char *compression;       /* of the channels ("zstd"), NULL: none */
    int compression_level;         /* -1: libvirt's */
    guint channels;                /* 0: libvirt's */
    guint64 xbzrle_bytes;          /* 0: QEMU's */
    guint64 bandwidth_bytes_per_s; /* 0: unlimited */
} LibvirtMigration;

typedef struct {
    guint64 size; /* of this table */
    guint64 abi;

    /* Connects. FALSE or NULL with LIBVIRT_ERROR throughout. */
    LibvirtConnection *(*open) (const LibvirtOptions *options, GError **error);
    /* Its watches end; its monitors go on until their streams are closed. NULL is fine. */
    void (*close) (LibvirtConnection *connection);
    const char *(*uri) (LibvirtConnection *connection); /* as libvirt calls it; borrowed */

    /* A DOMAIN below is a name or a uuid. Those that run and those that are defined. */
    GPtrArray *(*list) (LibvirtConnection *connection, GError **error); /* of LibvirtDomain */
    LibvirtDomain *(*find) (LibvirtConnection *connection, const char *domain, GError **error);
    void (*free_domain) (LibvirtDomain *domain);

    /* Events of all domains from now on, one watch a connection. */
    gboolean (*watch) (LibvirtConnection *connection, LibvirtWatchFunc func, gpointer data,
                       GDestroyNotify free_data, GError **error);
    void (*unwatch) (LibvirtConnection *connection);

    /* A QMP monitor (qmp_client_open_stream): greeting, commands in their order, QEMU's events.
     * Each command is a virDomainQemuMonitorCommand and taints the domain as custom-monitor; no
     * out-of-band, no descriptors. migrate_cancel and migrate-start-postcopy become libvirt's own
     * calls, what only libvirt may do (migrate, cont, capabilities, ...) is refused with the
     * reason. The stream ends with the domain. */
    GIOStream *(*open_monitor) (LibvirtConnection *connection, const char *domain, GError **error);

    gboolean (*job) (LibvirtConnection *connection, const char *domain, LibvirtJob *ret_job,
                     GError **error);
    gboolean (*abort_job) (LibvirtConnection *connection, const char *domain, GError **error);
    gboolean (*start_postcopy) (LibvirtConnection *connection, const char *domain, GError **error);
    gboolean (*set_max_downtime) (LibvirtConnection *connection, const char *domain,
                                  guint64 max_downtime_us, GError **error);
    /* Has libvirt migrate it, peer to peer, and waits for the end, however long that takes. */
    gboolean (*migrate) (LibvirtConnection *connection, const char *domain,
                         const LibvirtMigration *migration, GError **error);

    /* Calls that have not come back until now. */
    guint (*abandoned) (void);
} LibvirtModule;
