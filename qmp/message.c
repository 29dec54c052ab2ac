/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "qmp/message.h"

#include "qmp/error.h"
#include "qmp/text.h"

#include <string.h>

#define TOKENER_FLAGS                                                                              \
    (JSON_TOKENER_STRICT | JSON_TOKENER_ALLOW_TRAILING_CHARS | JSON_TOKENER_VALIDATE_UTF8)

struct QmpReader {
    struct json_tokener *tokener;
    GByteArray *pending; /* fed, not parsed yet */
    gsize parsed;        /* bytes at the front of PENDING that are done with */
    gsize message_bytes; /* of the message that is under way, already parsed */
    gsize max_bytes;
    int max_depth;
    GError *broken;
};

QmpReader *
qmp_reader_new (gsize max_bytes, int max_depth)
{
    QmpReader *self = g_new0 (QmpReader, 1);

    self->tokener = json_tokener_new_ex (max_depth);
    json_tokener_set_flags (self->tokener, TOKENER_FLAGS);
    self->pending = g_byte_array_new ();
    self->max_bytes = max_bytes;
    self->max_depth = max_depth;
    return self;
}

void
qmp_reader_free (QmpReader *self)
{
    if (!self)
        return;
    json_tokener_free (self->tokener);
    g_byte_array_unref (self->pending);
    g_clear_error (&self->broken);
    g_free (self);
}

void
qmp_reader_feed (QmpReader *self, const char *bytes, gsize length)
{
    if (self->broken)
        return;
    /* Moving only when half is done with keeps the cost of moving linear. */
    if (self->parsed > self->pending->len / 2) {
        g_byte_array_remove_range (self->pending, 0, (guint)self->parsed);
        self->parsed = 0;
    }
    g_byte_array_append (self->pending, (const guint8 *)bytes, (guint)length);
}

static const char *
unparsed (QmpReader *self, gsize *ret_length)
{
    *ret_length = self->pending->len - self->parsed;
    return (const char *)self->pending->data + self->parsed;
}

static void
skip_space (QmpReader *self)
{
    gsize length;
    const char *bytes = unparsed (self, &length);
    gsize space = 0;

    while (space < length && bytes[space] && strchr (" \t\r\n", bytes[space]))
        space++;
    self->parsed += space;
}

/* Bytes of TEXT without the beginning of a UTF-8 character whose end is still to come: json-c takes
 * a character that is split between two calls for a broken one. */
static gsize
whole_characters (const char *text, gsize length)
{
    for (gsize back = 1; back <= MIN (length, 3); back++) {
        guchar byte = (guchar)text[length - back];
        gsize size = byte >= 0xf0 ? 4 : byte >= 0xe0 ? 3 : byte >= 0xc0 ? 2 : 1;

        if ((byte & 0xc0) == 0x80)
            continue;
        return byte <= 0xf7 && size > back ? length - back : length;
    }
    return length;
}

static gboolean
fail_unparsable (QmpReader *self, enum json_tokener_error reason)
{
    gsize length;
    const char *bytes = unparsed (self, &length);
    g_autofree char *excerpt = qmp_text_excerpt (bytes, length);

    if (reason == json_tokener_error_depth)
        return qmp_fail (&self->broken, QMP_ERROR_PROTOCOL,
                         "it sent a message that is nested more than %d deep", self->max_depth);
    return qmp_fail (&self->broken, QMP_ERROR_PROTOCOL, "it sent broken JSON (%s) at \"%s\"",
                     json_tokener_error_desc (reason), excerpt);
}

/* Parses what has come of one message. Each byte is looked at once, however many reads it takes. */
static gboolean
parse (QmpReader *self, json_object **ret_message)
{
    gsize length;
    const char *bytes = unparsed (self, &length);
    gsize allowed = MIN (length, self->max_bytes - self->message_bytes);
    int window = (int)MIN (whole_characters (bytes, allowed), G_MAXINT);
    json_object *message = json_tokener_parse_ex (self->tokener, bytes, window);
    enum json_tokener_error reason = json_tokener_get_error (self->tokener);
    gsize used = json_tokener_get_parse_end (self->tokener);

    self->parsed += used;
    self->message_bytes = message ? 0 : self->message_bytes + used;
    if (!message && reason != json_tokener_continue)
        return fail_unparsable (self, reason);
    if (!message && self->message_bytes + (allowed - used) >= self->max_bytes)
        return qmp_fail (&self->broken, QMP_ERROR_PROTOCOL,
                         "it sent a message of more than %" G_GSIZE_FORMAT " bytes",
                         self->max_bytes);
    *ret_message = message;
    return TRUE;
}

static gboolean
next (QmpReader *self, json_object **ret_message)
{
    gsize length;
    const char *bytes;

    if (self->message_bytes == 0)
        skip_space (self);
    bytes = unparsed (self, &length);
    if (length == 0) {
        *ret_message = NULL;
        return TRUE;
    }
    if (self->message_bytes == 0 && bytes[0] != '{') {
        g_autofree char *excerpt = qmp_text_excerpt (bytes, length);

        return qmp_fail (&self->broken, QMP_ERROR_PROTOCOL, "it sent \"%s\"", excerpt);
    }
    return parse (self, ret_message);
}

gboolean
qmp_reader_next (QmpReader *self, json_object **ret_message, GError **error)
{
    if (!self->broken && next (self, ret_message))
        return TRUE;
    g_propagate_error (error, g_error_copy (self->broken));
    return FALSE;
}

char *
qmp_message_command (const char *command, json_object *arguments, guint64 id, gboolean oob)
{
    g_autoptr (json_object) message = json_object_new_object ();

    json_object_object_add (message, oob ? "exec-oob" : "execute",
                            json_object_new_string (command));
    if (arguments)
        json_object_object_add (message, "arguments", json_object_get (arguments));
    json_object_object_add (message, "id", json_object_new_uint64 (id));
    return g_strconcat (json_object_to_json_string_ext (
                            message, JSON_C_TO_STRING_PLAIN | JSON_C_TO_STRING_NOSLASHESCAPE),
                        "\n", NULL);
}
