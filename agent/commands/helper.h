/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* The programs in LIBEXECDIR/qmpmig/, which link what the core does not. */
#pragma once

#include <glib.h>

/* Becomes the helper NAME with these ARGUMENTS (NULL-terminated). Returns only when that fails. */
void helper_become (const char *name, char *const *arguments, GError **error);
