/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Where policies are: a folder with a NAME.so for each. */
#pragma once

#include <glib.h>

/* $QMPMIG_PLUGIN_DIR; for a program that runs from its build tree ../plugins beside its folder;
 * else where qmpmig was installed to. Owned by the caller. */
char *policy_place_dir (GError **error);
/* The names in it, sorted, whether or not they can be loaded. A folder that is not there is empty.
 */
GStrv policy_place_names (GError **error);
/* The file of a policy, from its name or an absolute path.
 * *RET_NAME is what the policy has to call itself. */
char *policy_place_find (const char *name_or_path, char **ret_name, GError **error);
