/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "agent/migration/tls.h"

#include <string.h>

#include "qmp/value.h"

/* Who psktool and QEMU's documentation call the client by. */
#define PSK_USER "qemu"

static gboolean
has_own_authz (const Vm *vm, const TlsOptions *tls)
{
    return vm->end == END_DESTINATION && tls->authz && strchr (tls->authz, '=');
}

const char *
tls_authz_id (const TlsOptions *tls)
{
    return strchr (tls->authz, '=') ? TLS_AUTHZ_ID : tls->authz;
}

static json_object *
credentials (const Vm *vm, const TlsOptions *tls)
{
    gboolean server = vm->end == END_DESTINATION;
    json_object *object = qmp_object (
        "id", json_object_new_string (TLS_CREDS_ID), "qom-type",
        json_object_new_string (tls->kind == TLS_PSK ? "tls-creds-psk" : "tls-creds-x509"), "dir",
        json_object_new_string (tls->dir), "endpoint",
        json_object_new_string (server ? "server" : "client"), NULL);

    if (tls->kind == TLS_PSK && !server)
        json_object_object_add (object, "username", json_object_new_string (PSK_USER));
    if (tls->kind == TLS_X509)
        json_object_object_add (object, "verify-peer", json_object_new_boolean (TRUE));
    return object;
}

static gboolean
remove_object (Vm *vm, const char *id, GError **error)
{
    g_autoptr (GError) why = NULL;

    if (vm_tell (vm, "object-del", qmp_object ("id", json_object_new_string (id), NULL), &why) ||
        g_error_matches (why, QMP_ERROR, QMP_ERROR_REFUSED))
        return TRUE;
    g_propagate_error (error, g_steal_pointer (&why));
    return FALSE;
}

gboolean
tls_create (Vm *vm, const TlsOptions *tls, GError **error)
{
    if (tls->kind == TLS_NONE)
        return TRUE;
    if (!tls_remove (vm, tls, error)) /* left by a qmpmig that was killed */
        return FALSE;
    if (has_own_authz (vm, tls) &&
        !vm_tell (vm, "object-add",
                  qmp_object ("id", json_object_new_string (TLS_AUTHZ_ID), "qom-type",
                              json_object_new_string ("authz-simple"), "identity",
                              json_object_new_string (tls->authz), NULL),
                  error))
        return FALSE;
    return vm_tell (vm, "object-add", credentials (vm, tls), error);
}

gboolean
tls_remove (Vm *vm, const TlsOptions *tls, GError **error)
{
    if (tls->kind == TLS_NONE)
        return TRUE;
    return remove_object (vm, TLS_CREDS_ID, error) &&
           (!has_own_authz (vm, tls) || remove_object (vm, TLS_AUTHZ_ID, error));
}
