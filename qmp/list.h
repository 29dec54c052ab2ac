/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* A list as it was sent, of which one element at a time is made an object: query-qmp-schema's has
 * 230 KB, and as objects it takes 5 MiB. */
#pragma once

#include "qmp/message.h"

/* Takes TEXT, from bracket to bracket; valid UTF-8. */
QmpList *qmp_list_new (char *text, gsize length);
/* Takes LABEL: who sent it to what, at the head of errors. */
void qmp_list_set_label (QmpList *self, char *label);
void qmp_list_free (QmpList *self); /* NULL is fine */
G_DEFINE_AUTOPTR_CLEANUP_FUNC (QmpList, qmp_list_free)

/* The next element in *ret_element (owned by the caller; a JSON null is NULL there too), or
 * *ret_more FALSE behind the last one. FALSE on what is no JSON (QMP_ERROR_PROTOCOL). */
gboolean qmp_list_next (QmpList *self, gboolean *ret_more, json_object **ret_element,
                        GError **error);
/* From the first one on again. */
void qmp_list_rewind (QmpList *self);
/* All of it, owned by the caller. */
json_object *qmp_list_to_json (QmpList *self, GError **error);
