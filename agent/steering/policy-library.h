/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* A plugin's file, checked and loaded. */
#pragma once

#include <glib.h>

#include "plugins/qmpmig-plugin.h"

typedef struct {
    char *name;
    char *path;                  /* without symbolic links; NULL: it is in the program itself */
    void *dl;                    /* NULL likewise */
    struct qmpmig_plugin plugin; /* of our size: what the file is too old to know is NULL */
} PolicyLibrary;

PolicyLibrary *policy_library_open (const char *name_or_path, GError **error);
void policy_library_close (PolicyLibrary *self);
G_DEFINE_AUTOPTR_CLEANUP_FUNC (PolicyLibrary, policy_library_close)
