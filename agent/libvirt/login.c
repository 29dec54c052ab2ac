/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "agent/libvirt/login.h"

#include <libvirt/virterror.h>

#include "agent/libvirt/error.h"

/* Asked only for what the auth file does not have. */
static int
refuse (virConnectCredentialPtr credentials, unsigned int count, void *data)
{
    return -1;
}

static int kinds[] = { VIR_CRED_AUTHNAME, VIR_CRED_PASSPHRASE, VIR_CRED_ECHOPROMPT,
                       VIR_CRED_NOECHOPROMPT, VIR_CRED_REALM };

static virConnectAuth login = {
    .credtype = kinds,
    .ncredtype = G_N_ELEMENTS (kinds),
    .cb = refuse,
};

virConnectPtr
login_open (const char *uri, GError **error)
{
    virConnectPtr connection = virConnectOpenAuth (uri, &login, 0);
    g_autoptr (GError) why = NULL;

    if (connection)
        return connection;
    error_take (&why, "libvirt");
    if (why->code == LIBVIRT_ERROR_AUTH)
        error_set (
            error, LIBVIRT_ERROR_AUTH,
            "%s asks for a name and a password, and none that it takes are in libvirt's auth "
            "file ($LIBVIRT_AUTH_FILE, ?authfile= in the URI, /etc/libvirt/auth.conf): %s",
            uri, why->message);
    else
        error_set (error, LIBVIRT_ERROR_UNREACHABLE, "no connection to %s: %s", uri, why->message);
    return NULL;
}
