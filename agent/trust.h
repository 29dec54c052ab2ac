/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Whether a file that we are about to run can have come from somebody else. */
#pragma once

#include <glib.h>
#include <sys/types.h>

#define TRUST_ERROR (trust_error_quark ())
GQuark trust_error_quark (void); /* one code, 0 */

/* The file behind PATH (absolute), without symbolic links, if nobody but root and UID can write to
 * it or put another in its place: it and each folder up to the root belong to one of them and are
 * not writable by group or others. A sticky folder such as /tmp may be on the way, as what is in it
 * is its owner's alone, but the file must not be in it. Owned by the caller. */
char *trust_resolve (const char *path, uid_t uid, GError **error);
