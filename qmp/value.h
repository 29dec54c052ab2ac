/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Typed look-ups in a reply. WHERE is the path that an error names ("query-status: return").
 * The get functions require the field and its type; the peek functions take a default when the
 * field is absent, null or of another type. A PATH may step into objects: "ram.remaining". */
#pragma once

#include "qmp/message.h"

gboolean qmp_get_string (json_object *object, const char *path, const char *where,
                         const char **ret_value, GError **error); /* borrowed from OBJECT */
gboolean qmp_get_uint (json_object *object, const char *path, const char *where, guint64 *ret_value,
                       GError **error);
gboolean qmp_get_bool (json_object *object, const char *path, const char *where,
                       gboolean *ret_value, GError **error);
gboolean qmp_get_object (json_object *object, const char *path, const char *where,
                         json_object **ret_value, GError **error); /* borrowed */
gboolean qmp_get_array (json_object *object, const char *path, const char *where,
                        json_object **ret_value, GError **error); /* borrowed */

json_object *qmp_peek (json_object *object, const char *path); /* borrowed, NULL if absent */
const char *qmp_peek_string (json_object *object, const char *path, const char *fallback);
guint64 qmp_peek_uint (json_object *object, const char *path, guint64 fallback);
double qmp_peek_double (json_object *object, const char *path, double fallback);
gboolean qmp_peek_bool (json_object *object, const char *path, gboolean fallback);
gsize qmp_length (json_object *list); /* 0 for what is no array, or absent */

/* {"NAME": value, ...}: name, then a JSON value that is taken; ends with NULL.
 *   qmp_object ("uri", json_object_new_string (uri), NULL) */
json_object *qmp_object (const char *name, ...) G_GNUC_NULL_TERMINATED;
/* Adds the text, unless there is none: NULL, or empty. */
void qmp_add_string (json_object *object, const char *name, const char *text);
