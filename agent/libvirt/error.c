/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "agent/libvirt/error.h"

#include <libvirt/virterror.h>

gboolean
error_set (GError **error, LibvirtErrorCode code, const char *format, ...)
{
    va_list arguments;

    va_start (arguments, format);
    g_propagate_error (error, g_error_new_valist (LIBVIRT_ERROR, (int)code, format, arguments));
    va_end (arguments);
    return FALSE;
}

static LibvirtErrorCode
code_of (int code)
{
    static const struct {
        int theirs;
        LibvirtErrorCode ours;
    } known[] = {
        { VIR_ERR_NO_DOMAIN, LIBVIRT_ERROR_NO_DOMAIN },
        { VIR_ERR_AUTH_FAILED, LIBVIRT_ERROR_AUTH },
        { VIR_ERR_AUTH_CANCELLED, LIBVIRT_ERROR_AUTH },
        { VIR_ERR_AUTH_UNAVAILABLE, LIBVIRT_ERROR_AUTH },
        { VIR_ERR_OPERATION_TIMEOUT, LIBVIRT_ERROR_TIMEOUT },
        { VIR_ERR_OPERATION_ABORTED, LIBVIRT_ERROR_ABORTED },
        { VIR_ERR_NO_CONNECT, LIBVIRT_ERROR_UNREACHABLE },
        { VIR_ERR_INVALID_CONN, LIBVIRT_ERROR_UNREACHABLE },
        { VIR_ERR_RPC, LIBVIRT_ERROR_UNREACHABLE },
    };

    for (gsize i = 0; i < G_N_ELEMENTS (known); i++)
        if (known[i].theirs == code)
            return known[i].ours;
    return LIBVIRT_ERROR_REFUSED;
}

gboolean
error_take (GError **error, const char *what)
{
    virErrorPtr theirs = virGetLastError ();

    return error_set (error, theirs ? code_of (theirs->code) : LIBVIRT_ERROR_REFUSED, "%s: %s",
                      what,
                      theirs && theirs->message ? theirs->message : "libvirt gives no reason");
}
