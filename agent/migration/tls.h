/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Credentials objects in QEMU: made before the start, used by tls-creds, removed at the end. */
#pragma once

#include "agent/migration/vm.h"

#define TLS_CREDS_ID "qmpmig-tls"
#define TLS_AUTHZ_ID "qmpmig-authz"

/* Which authorisation object to name: one of ours for a distinguished name ("CN=src"), else the
 * operator's own, by its id. */
const char *tls_authz_id (const TlsOptions *tls);

/* Makes the objects on that end: server side on a destination, client side on a source. */
gboolean tls_create (Vm *vm, const TlsOptions *tls, GError **error);
/* Removes what tls_create() made; tls-creds must be unset before. Objects that are not there (any
 * more) are no error. */
gboolean tls_remove (Vm *vm, const TlsOptions *tls, GError **error);
