/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "agent/steering/policy-library.h"

#include <dlfcn.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "agent/steering/policy-exec.h"
#include "agent/steering/policy-internal.h"
#include "agent/steering/policy-place.h"
#include "agent/trust.h"

#define SYMBOL "qmpmig_plugin"
/* The struct as ABI 1 was born: no plugin of it is smaller. */
#define BORN_SIZE (offsetof (struct qmpmig_plugin, close) + sizeof (void (*) (void *)))

G_DEFINE_QUARK (qmpmig - policy - error, policy_error)

gboolean
policy_fail (GError **error, ExitCode code, const char *format, ...)
{
    va_list args;
    g_autofree char *text = NULL;

    va_start (args, format);
    text = g_strdup_vprintf (format, args);
    va_end (args);
    g_set_error_literal (error, POLICY_ERROR, (int)code, text);
    return FALSE;
}

/* What is behind `size` and `abi` has a meaning only if those two are right. */
static gboolean
check_head (const PolicyLibrary *self, const struct qmpmig_plugin *theirs, GError **error)
{
    if (theirs->abi != QMPMIG_ABI)
        return policy_fail (error, EXIT_USAGE,
                            "policy %s: %s is built for plugin ABI %" G_GUINT64_FORMAT
                            ", this qmpmig has ABI %d",
                            self->name, self->path, theirs->abi, QMPMIG_ABI);
    if (theirs->size < BORN_SIZE || theirs->size % sizeof (guint64) || theirs->size > 65536)
        return policy_fail (
            error, EXIT_USAGE,
            "policy %s: %s says that its struct qmpmig_plugin has %" G_GUINT64_FORMAT
            " bytes, which none of ABI %d has",
            self->name, self->path, theirs->size, QMPMIG_ABI);
    return TRUE;
}

static gboolean
check_body (const PolicyLibrary *self, GError **error)
{
    const struct qmpmig_plugin *plugin = &self->plugin;

    if (!plugin->name || !policy_place_is_name (plugin->name))
        return policy_fail (error, EXIT_USAGE,
                            "policy %s: %s has no name of lower case letters, digits and hyphens",
                            self->name, self->path);
    if (strcmp (plugin->name, self->name) != 0)
        return policy_fail (error, EXIT_USAGE, "policy %s: %s calls itself '%s'", self->name,
                            self->path, plugin->name);
    if (!plugin->version || !plugin->description || !plugin->open || !plugin->decide)
        return policy_fail (error, EXIT_USAGE,
                            "policy %s: %s lacks one of version, description, open and decide",
                            self->name, self->path);
    return TRUE;
}

static gboolean
load (PolicyLibrary *self, GError **error)
{
    const struct qmpmig_plugin *theirs;

    self->dl = dlopen (self->path, RTLD_NOW | RTLD_LOCAL);
    if (!self->dl)
        return policy_fail (error, EXIT_USAGE, "policy %s: %s", self->name, dlerror ());
    theirs = dlsym (self->dl, SYMBOL);
    if (!theirs)
        return policy_fail (error, EXIT_USAGE, "policy %s: %s has no symbol " SYMBOL, self->name,
                            self->path);
    if (!check_head (self, theirs, error))
        return FALSE;
    memcpy (&self->plugin, theirs, MIN (theirs->size, sizeof self->plugin));
    return check_body (self, error);
}

static PolicyLibrary *
built_in (const struct qmpmig_plugin *plugin)
{
    PolicyLibrary *self = g_new0 (PolicyLibrary, 1);

    self->name = g_strdup (plugin->name);
    self->plugin = *plugin;
    return self;
}

static PolicyLibrary *
open_file (const char *name_or_path, GError **error)
{
    g_autoptr (PolicyLibrary) self = g_new0 (PolicyLibrary, 1);
    g_autoptr (GError) inner = NULL;
    g_autofree char *file = policy_place_find (name_or_path, &self->name, error);

    if (!file)
        return NULL;
    self->path = trust_resolve (file, geteuid (), &inner);
    if (!self->path) {
        policy_fail (error, EXIT_USAGE, "policy %s is not loaded: %s", self->name, inner->message);
        return NULL;
    }
    return load (self, error) ? g_steal_pointer (&self) : NULL;
}

PolicyLibrary *
policy_library_open (const char *name_or_path, GError **error)
{
    return strcmp (name_or_path, POLICY_EXEC) == 0 ? built_in (&policy_exec_plugin)
                                                   : open_file (name_or_path, error);
}

void
policy_library_close (PolicyLibrary *self)
{
    if (!self)
        return;
    if (self->dl)
        dlclose (self->dl);
    g_free (self->name);
    free (self->path);
    g_free (self);
}
