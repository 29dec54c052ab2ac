/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "agent/trust.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

G_DEFINE_QUARK (qmpmig - trust - error, trust_error)

typedef struct {
    uid_t uid;
    GString *path; /* what FD is */
    int fd;
} Walk;

static gboolean G_GNUC_PRINTF (3, 4)
    trust_fail (const Walk *walk, GError **error, const char *format, ...)
{
    va_list args;
    g_autofree char *text = NULL;

    va_start (args, format);
    text = g_strdup_vprintf (format, args);
    va_end (args);
    g_set_error (error, TRUST_ERROR, 0, "%s %s", walk->path->str, text);
    return FALSE;
}

static gboolean
check_writers (const Walk *walk, const struct stat *at, gboolean may_be_sticky, GError **error)
{
    if (at->st_uid != 0 && at->st_uid != walk->uid)
        return trust_fail (walk, error, "belongs to uid %u, neither to root nor to us (uid %u)",
                           (guint)at->st_uid, (guint)walk->uid);
    if ((at->st_mode & (S_IWGRP | S_IWOTH)) && !(may_be_sticky && (at->st_mode & S_ISVTX)))
        return trust_fail (walk, error, "may be written by others (mode %04o): chmod go-w it",
                           (guint)at->st_mode & 07777);
    return TRUE;
}

/* REST: what is still to come; its folder is the last one when that has no slash. */
static gboolean
check_here (const Walk *walk, const char *rest, GError **error)
{
    struct stat at;

    if (fstat (walk->fd, &at) != 0)
        return trust_fail (walk, error, "cannot be looked at: %s", g_strerror (errno));
    if (!*rest && !S_ISREG (at.st_mode))
        return trust_fail (walk, error, "is not a file");
    return check_writers (walk, &at, strchr (rest, '/') != NULL, error);
}

/* By descriptor and one name at a time, so that what was checked is what the next step starts from.
 */
static gboolean
step (Walk *walk, const char *name, GError **error)
{
    int flags = O_PATH | O_NOFOLLOW | O_CLOEXEC;
    int fd = openat (walk->fd, name, flags);

    if (walk->path->len > 1)
        g_string_append_c (walk->path, '/');
    g_string_append (walk->path, name);
    if (fd < 0)
        return trust_fail (walk, error, "cannot be opened: %s", g_strerror (errno));
    close (walk->fd);
    walk->fd = fd;
    return TRUE;
}

static gboolean
walk_to (Walk *walk, const char *real, GError **error)
{
    const char *rest = real + 1;

    while (check_here (walk, rest, error)) {
        const char *end = strchrnul (rest, '/');
        g_autofree char *name = g_strndup (rest, end - rest);

        if (!*rest)
            return TRUE;
        if (!step (walk, name, error))
            return FALSE;
        rest = *end ? end + 1 : end;
    }
    return FALSE;
}

char *
trust_resolve (const char *path, uid_t uid, GError **error)
{
    char *real = realpath (path, NULL);
    Walk walk = { .uid = uid };
    gboolean ok;

    if (!real) {
        g_set_error (error, TRUST_ERROR, 0, "%s: %s", path, g_strerror (errno));
        return NULL;
    }
    walk.path = g_string_new ("/");
    walk.fd = open ("/", O_PATH | O_DIRECTORY | O_CLOEXEC);
    ok = walk_to (&walk, real, error);
    if (walk.fd >= 0)
        close (walk.fd);
    g_string_free (walk.path, TRUE);
    if (!ok)
        g_clear_pointer (&real, free);
    return real;
}
