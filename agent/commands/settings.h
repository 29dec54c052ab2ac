/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* The limits of a migration of ours, by their options' names, beside QEMU's parameters: what `get`
 * and `set` speak of. */
#pragma once

#include "agent/commands/reach.h"

typedef struct {
    json_object *parameters; /* QEMU's, {name: value} */
    json_object *limits;     /* ours, as in the `header` line; NULL: no migration of ours runs */
    json_object *cut; /* {limit: why} what `set` asked for and is in force otherwise, or NULL */
} Settings;

/* What is in force now. */
gboolean settings_read (Reach *reach, Settings *ret_settings, GError **error);
/* The same from the answer to `get` and `set` over the control socket. */
void settings_take (Settings *self, json_object *answer);
void settings_clear (Settings *self);
G_DEFINE_AUTO_CLEANUP_CLEAR_FUNC (Settings, settings_clear)

/* "max-downtime": is it one of our limits? */
gboolean limit_is_known (const char *name);
/* Its value in LIMITS as people read it; NULL when there is none. Owned by the caller. */
char *limit_format (json_object *limits, const char *name);
/* Checks TEXT without using it. UNITS_ERROR. */
gboolean limit_check (const char *name, const char *text, GError **error);
/* The limits by name; NULL behind the last one. */
const char *limit_name (guint index);

/* UNITS_ERROR: nothing of that name, but perhaps one that is near. Returns FALSE. */
gboolean settings_fail_unknown (const Settings *self, const char *key, GError **error);
