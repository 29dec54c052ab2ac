/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "agent/state.h"

#include <errno.h>
#include <glib/gstdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "agent/migration/error.h"

#define MAX_NAME 64

/* A service's group may read what it keeps. */
static char *
make_dir (char *path, const char *variable, GError **error)
{
    int mode = geteuid () == 0 || g_getenv (variable) ? 0750 : 0700;

    if (g_mkdir_with_parents (path, mode) == 0)
        return path;
    migrate_fail (error, EXIT_INTERNAL, "cannot make %s: %s", path, g_strerror (errno));
    g_free (path);
    return NULL;
}

static char *
base_dir (const char *variable, const char *for_root, const char *for_user)
{
    const char *given = g_getenv (variable);

    if (given && *given)
        return g_strndup (given, strcspn (given, ":"));
    if (geteuid () == 0)
        return g_build_filename (for_root, "qmpmig", NULL);
    return g_build_filename (for_user, "qmpmig", NULL);
}

char *
state_path (const char *name)
{
    g_autofree char *base = base_dir ("STATE_DIRECTORY", "/var/lib", g_get_user_state_dir ());

    return g_build_filename (base, name, NULL);
}

char *
state_dir (const char *name, GError **error)
{
    return make_dir (state_path (name), "STATE_DIRECTORY", error);
}

char *
state_cache_dir (GError **error)
{
    return make_dir (base_dir ("CACHE_DIRECTORY", "/var/cache", g_get_user_cache_dir ()),
                     "CACHE_DIRECTORY", error);
}

static char *
safe_name (const char *vm_name, const char *uuid, int pid)
{
    char *name;

    if (!vm_name || !*vm_name)
        return uuid ? g_strndup (uuid, 8) : g_strdup_printf ("pid%d", pid);
    name = g_strndup (vm_name, MAX_NAME);
    return g_strcanon (name, "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789._-",
                       '_');
}

char *
state_migration_id (const char *vm_name, const char *uuid, int pid)
{
    g_autofree char *name = safe_name (vm_name, uuid, pid);
    g_autoptr (GDateTime) now = g_date_time_new_now_utc ();
    g_autofree char *when = g_date_time_format (now, "%Y%m%dT%H%M%SZ");

    return g_strdup_printf ("%s-%s-%04x", name, when, g_random_int () & 0xffff);
}
