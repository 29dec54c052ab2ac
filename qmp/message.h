/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Bytes to JSON objects and back. Pure: no descriptor, no clock, no thread; the fuzz target.
 * A message may come in any number of pieces, several may come in one, and QEMU's `pretty=on`
 * spreads one over lines. What a peer sends is bounded in bytes and in depth. */
#pragma once

#include <glib.h>
#include <json-c/json.h>

G_DEFINE_AUTOPTR_CLEANUP_FUNC (json_object, json_object_put)

/* query-qmp-schema, the largest reply that we ask for, has 230 KB on QEMU 10. */
#define QMP_MESSAGE_MAX_BYTES (16 * 1024 * 1024)
#define QMP_MESSAGE_MAX_DEPTH 64

typedef struct QmpReader QmpReader;

QmpReader *qmp_reader_new (gsize max_bytes, int max_depth);
void qmp_reader_free (QmpReader *self);
G_DEFINE_AUTOPTR_CLEANUP_FUNC (QmpReader, qmp_reader_free)

/* A list of more than BYTES that a message has under "return" is left out of it: there is an empty
 * one, and qmp_reader_take_list() has the list. */
void qmp_reader_leave_out_lists (QmpReader *self, gsize bytes);

void qmp_reader_feed (QmpReader *self, const char *bytes, gsize length);

/* The next whole message in *ret_message (owned by the caller), or NULL there when more bytes are
 * needed. FALSE on bytes that are no JSON object, or on one over the bounds (QMP_ERROR_PROTOCOL):
 * from then on every call fails the same way. */
gboolean qmp_reader_next (QmpReader *self, json_object **ret_message, GError **error);

/* What was left out of the last message, owned by the caller; NULL: nothing. */
typedef struct QmpList QmpList;
QmpList *qmp_reader_take_list (QmpReader *self);

/* On one line, with its newline. Owned by the caller. */
char *qmp_message_text (json_object *message);
/* The same of a command. ARGUMENTS is borrowed and may be NULL. The id is a number. */
char *qmp_message_command (const char *command, json_object *arguments, guint64 id, gboolean oob);
