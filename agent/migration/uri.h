/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Where a migration's stream goes, as the operator writes it, and what that way can carry. */
#pragma once

#include <gio/gio.h>

typedef enum {
    URI_TCP,
    URI_UNIX,
    URI_VSOCK,
    URI_FD_TCP,  /* fd:tcp:HOST:PORT: we connect or accept, QEMU gets the descriptor */
    URI_FD_UNIX, /* fd:unix:PATH */
    URI_FD,      /* fd:N, inherited from the caller */
    URI_FILE,
    URI_RDMA,
    URI_EXEC,
} UriKind;

typedef struct {
    UriKind kind;
    char *text; /* as given; what QEMU gets, but for fd: */
    char *host; /* tcp, fd:tcp */
    guint16 port;
    char *path; /* unix, fd:unix (absolute), file */
    int fd;     /* fd:N */
} MigrationUri;

/* Usage errors are MIGRATE_ERROR with EXIT_USAGE and say what a right one looks like. */
MigrationUri *migration_uri_parse (const char *text, gboolean allow_exec, GError **error);
void migration_uri_free (MigrationUri *self);
G_DEFINE_AUTOPTR_CLEANUP_FUNC (MigrationUri, migration_uri_free)

/* The destination can answer on it: return path, postcopy. */
gboolean migration_uri_is_two_way (const MigrationUri *self);
/* It can be opened more than once: multifd, postcopy-preempt. */
gboolean migration_uri_has_channels (const MigrationUri *self);
/* Nobody listens at the other end: what is written stays there. */
gboolean migration_uri_is_storage (const MigrationUri *self);

/* What a destination has to listen on so that this URI reaches it. A name may resolve to a loopback
 * address over there, so a host that is no literal address becomes "any". Owned by the caller. */
char *migration_uri_listen_text (const MigrationUri *self);
/* The same URI with another port, for a destination that chose its own. Owned by the caller. */
char *migration_uri_with_port (const MigrationUri *self, guint16 port);

/* A descriptor for an fd: URI: connected (LISTEN FALSE), or listened for and accepted (TRUE). One
 * that we connect by TCP holds at most 128 KiB back that the network has not taken yet. */
int migration_uri_open_fd (const MigrationUri *self, gboolean listen, gint64 timeout_us,
                           GCancellable *cancel, GError **error);
