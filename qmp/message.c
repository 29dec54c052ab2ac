/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "qmp/message.h"

#include "qmp/error.h"
#include "qmp/list.h"
#include "qmp/text.h"

#include <string.h>

/* Messages are cut out by their braces and given to json-c whole. It could take them in pieces, but
 * what it makes of a number or of a UTF-8 character then depends on where the pieces end. */
struct QmpReader {
    struct json_tokener *tokener;
    GByteArray *bytes;
    gsize start;   /* of the message under way */
    gsize scanned; /* each byte once, in however many reads it comes */
    int depth;
    gboolean in_string;
    gboolean escaped;
    gsize max_bytes;
    int max_depth;
    GError *broken;
    gsize large_list;        /* bytes from which on one is left out */
    gsize list_at, list_end; /* of the message under way: its first list, from its start on */
    QmpList *list;           /* what was left out of the last one */
};

QmpReader *
qmp_reader_new (gsize max_bytes, int max_depth)
{
    QmpReader *self = g_new0 (QmpReader, 1);

    /* json-c counts what is in the innermost object as one level more. */
    self->tokener = json_tokener_new_ex (max_depth + 1);
    json_tokener_set_flags (self->tokener, JSON_TOKENER_STRICT);
    self->bytes = g_byte_array_new ();
    self->max_bytes = max_bytes;
    self->max_depth = max_depth;
    self->large_list = G_MAXSIZE;
    return self;
}

void
qmp_reader_leave_out_lists (QmpReader *self, gsize bytes)
{
    self->large_list = bytes;
}

QmpList *
qmp_reader_take_list (QmpReader *self)
{
    return g_steal_pointer (&self->list);
}

void
qmp_reader_free (QmpReader *self)
{
    if (!self)
        return;
    json_tokener_free (self->tokener);
    g_byte_array_unref (self->bytes);
    qmp_list_free (self->list);
    g_clear_error (&self->broken);
    g_free (self);
}

void
qmp_reader_feed (QmpReader *self, const char *bytes, gsize length)
{
    if (self->broken)
        return;
    /* Moving only when half is done with keeps the cost of moving linear. */
    if (self->start > self->bytes->len / 2) {
        g_byte_array_remove_range (self->bytes, 0, (guint)self->start);
        self->scanned -= self->start;
        self->start = 0;
    }
    g_byte_array_append (self->bytes, (const guint8 *)bytes, (guint)length);
}

static gboolean
fail_at (QmpReader *self, gsize position, const char *reason)
{
    g_autofree char *excerpt =
        qmp_text_excerpt ((const char *)self->bytes->data + position, self->bytes->len - position);

    if (position == self->start)
        return qmp_fail (&self->broken, QMP_ERROR_PROTOCOL, "it sent \"%s\"", excerpt);
    return qmp_fail (&self->broken, QMP_ERROR_PROTOCOL, "it sent broken JSON (%s) at \"%s\"",
                     reason, excerpt);
}

static gboolean
fail_size (QmpReader *self)
{
    return qmp_fail (&self->broken, QMP_ERROR_PROTOCOL,
                     "it sent a message of more than %" G_GSIZE_FORMAT " bytes", self->max_bytes);
}

static gboolean
fail_depth (QmpReader *self)
{
    return qmp_fail (&self->broken, QMP_ERROR_PROTOCOL,
                     "it sent a message that is nested more than %d deep", self->max_depth);
}

static gboolean
is_space (guchar byte)
{
    return byte == ' ' || byte == '\t' || byte == '\r' || byte == '\n';
}

static void
skip_space (QmpReader *self)
{
    while (self->scanned < self->bytes->len && is_space (self->bytes->data[self->scanned]))
        self->scanned++;
    self->start = self->scanned;
    self->list_at = self->list_end = 0;
}

/* A bracket right inside of the message. */
static void
note_bracket (QmpReader *self, guchar byte)
{
    if (byte == '[' && self->list_at == 0)
        self->list_at = self->scanned - self->start;
    else if (byte == ']' && self->list_end == 0)
        self->list_end = self->scanned + 1 - self->start;
}

static void
scan_in_string (QmpReader *self, guchar byte)
{
    if (self->escaped)
        self->escaped = FALSE;
    else if (byte == '\\')
        self->escaped = TRUE;
    else if (byte == '"')
        self->in_string = FALSE;
}

/* Most of a long message is inside of strings, and most of that means nothing here. */
static void
skip_plain (QmpReader *self)
{
    const guchar *bytes = self->bytes->data;
    gsize end = MIN (self->bytes->len, self->start + self->max_bytes), at = self->scanned;

    while (at < end && bytes[at] != '"' && bytes[at] != '\\')
        at++;
    self->scanned = at;
}

/* FALSE on what no JSON has outside of its strings: waiting for the closing brace of garbage may
 * take for ever. The quote is one that json-c would put up with. */
static gboolean
scan_outside (QmpReader *self, guchar byte)
{
    if (byte == '"')
        self->in_string = TRUE;
    else if (byte == '{' || byte == '[')
        self->depth++;
    else if (byte == '}' || byte == ']')
        self->depth--;
    if ((byte == '[' && self->depth == 2) || (byte == ']' && self->depth == 1))
        note_bracket (self, byte);
    return is_space (byte) || (g_ascii_isprint (byte) && byte != '\'');
}

/* Goes on until the message under way ends (then DEPTH is 0) or the bytes do. */
static gboolean
scan (QmpReader *self)
{
    for (;;) {
        guchar byte;

        if (self->in_string && !self->escaped)
            skip_plain (self);
        if (self->scanned == self->bytes->len)
            break;
        byte = self->bytes->data[self->scanned];
        if (self->scanned - self->start == self->max_bytes)
            return fail_size (self);
        if (self->in_string)
            scan_in_string (self, byte);
        else if (!scan_outside (self, byte))
            return fail_at (self, self->scanned, "unexpected byte");
        if (self->depth > self->max_depth)
            return fail_depth (self);
        self->scanned++;
        if (self->depth == 0)
            break;
    }
    return TRUE;
}

/* What a message begins with, up to its first list. */
static gboolean
begins_with_return (const char *text, gsize length)
{
    static const char name[] = "{\"return\":";
    gsize known = 0;

    for (gsize i = 0; i < length; i++) {
        gboolean in_string = known >= strlen ("{\"") && known < strlen ("{\"return\"");

        if (name[known] && text[i] == name[known])
            known++;
        else if (in_string || !is_space ((guchar)text[i]))
            return FALSE;
    }
    return !name[known];
}

/* {"return": [...], ...}, with nothing behind the list that could be another "return". */
static gboolean
has_large_list (const QmpReader *self, const char *text, gsize length)
{
    const char *behind = text + self->list_end;
    gssize left = (gssize)(length - self->list_end);

    return self->list_end > self->list_at && self->list_end - self->list_at > self->large_list &&
           begins_with_return (text, self->list_at) && !memchr (behind, '\\', (gsize)left) &&
           !g_strstr_len (behind, left, "\"return\"");
}

static gboolean
parse_without_list (QmpReader *self, const char *text, gsize length, json_object **ret_message)
{
    gsize list_length = self->list_end - self->list_at;
    g_autoptr (GString) rest = g_string_new_len (text, (gssize)self->list_at);

    g_string_append (rest, "[]");
    g_string_append_len (rest, text + self->list_end, (gssize)(length - self->list_end));
    json_tokener_reset (self->tokener);
    *ret_message = json_tokener_parse_ex (self->tokener, rest->str, (int)rest->len);
    if (!*ret_message || json_tokener_get_parse_end (self->tokener) != rest->len)
        return fail_at (self, self->start, NULL);
    self->list = qmp_list_new (g_strndup (text + self->list_at, list_length), list_length);
    self->start = self->scanned;
    return TRUE;
}

static gboolean
parse (QmpReader *self, json_object **ret_message)
{
    const char *text = (const char *)self->bytes->data + self->start;
    gsize length = self->scanned - self->start;
    g_autoptr (json_object) message = NULL;
    const char *valid_end;
    gsize parsed;

    g_clear_pointer (&self->list, qmp_list_free);
    if (!g_utf8_validate_len (text, length, &valid_end))
        return fail_at (self, self->start + (gsize)(valid_end - text), "invalid UTF-8");
    if (has_large_list (self, text, length))
        return parse_without_list (self, text, length, ret_message);
    json_tokener_reset (self->tokener);
    message = json_tokener_parse_ex (self->tokener, text, (int)length);
    parsed = json_tokener_get_parse_end (self->tokener);
    if (!message || parsed != length)
        return fail_at (self, self->start + parsed,
                        json_tokener_error_desc (json_tokener_get_error (self->tokener)));
    self->start = self->scanned;
    *ret_message = g_steal_pointer (&message);
    return TRUE;
}

static gboolean
next (QmpReader *self, json_object **ret_message)
{
    if (self->depth == 0)
        skip_space (self);
    if (self->depth == 0 && self->scanned < self->bytes->len &&
        self->bytes->data[self->scanned] != '{')
        return fail_at (self, self->scanned, NULL);
    if (!scan (self))
        return FALSE;
    if (self->scanned > self->start && self->depth == 0)
        return parse (self, ret_message);
    *ret_message = NULL;
    return TRUE;
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
qmp_message_text (json_object *message)
{
    gsize length;
    const char *text = json_object_to_json_string_length (
        message, JSON_C_TO_STRING_PLAIN | JSON_C_TO_STRING_NOSLASHESCAPE, &length);
    char *line = g_malloc (length + 2);

    memcpy (line, text, length);
    memcpy (line + length, "\n", 2);
    return line;
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
    return qmp_message_text (message);
}
