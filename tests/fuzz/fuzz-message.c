/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Whatever comes over a QMP connection, in whatever pieces. The first byte of the input says how
 * long the pieces are; the rest is what comes. */
#include "qmp/error.h"
#include "qmp/list.h"
#include "qmp/message.h"
#include "tests/fuzz/target.h"

/* Small enough for the fuzzer to reach. */
#define MAX_BYTES 512
#define MAX_DEPTH 8

#define MAX_PIECE 64

/* Lists of more than so many bytes are read in the other way. */
#define LARGE_LIST 4

/* What was left out is there again, or it is broken as the whole message would have been. */
static gboolean
put_list_back (QmpReader *reader, json_object *message)
{
    g_autoptr (QmpList) list = qmp_reader_take_list (reader);
    g_autoptr (GError) error = NULL;
    json_object *whole = list ? qmp_list_to_json (list, &error) : NULL;

    if (error)
        g_assert_error (error, QMP_ERROR, QMP_ERROR_PROTOCOL);
    if (whole)
        json_object_object_add (message, "return", whole);
    return !error;
}

/* Takes all messages out and writes them down, and whether the reader broke. */
static gboolean
drain (QmpReader *reader, GString *log)
{
    for (;;) {
        g_autoptr (json_object) message = NULL;
        g_autoptr (GError) error = NULL;

        if (!qmp_reader_next (reader, &message, &error)) {
            g_assert_error (error, QMP_ERROR, QMP_ERROR_PROTOCOL);
            g_assert_null (message);
            return FALSE;
        }
        if (!message)
            return TRUE;
        g_assert_true (json_object_is_type (message, json_type_object));
        if (!put_list_back (reader, message))
            return FALSE;
        g_string_append (log, json_object_to_json_string_ext (message, JSON_C_TO_STRING_PLAIN));
        g_string_append_c (log, '\n');
    }
}

static gboolean
read_in_pieces (const char *bytes, gsize length, gsize piece, gsize large_list, GString *log)
{
    g_autoptr (QmpReader) reader = qmp_reader_new (MAX_BYTES, MAX_DEPTH);
    gboolean leaves_out = large_list != G_MAXSIZE; /* a list that is broken does not break it */
    gboolean whole = TRUE;

    qmp_reader_leave_out_lists (reader, large_list);
    for (gsize done = 0; done < length && (whole || !leaves_out); done += piece) {
        qmp_reader_feed (reader, bytes + done, MIN (piece, length - done));
        whole = drain (reader, log);
    }
    /* Nothing more comes out without anything more going in, and broken stays broken. */
    g_assert_true (leaves_out || drain (reader, log) == whole);
    return whole;
}

/* What was taken for a message once is one when it is written out again. */
static void
check_again (const GString *log)
{
    g_autoptr (QmpReader) reader = qmp_reader_new (QMP_MESSAGE_MAX_BYTES, MAX_DEPTH);
    g_autoptr (GString) again = g_string_new (NULL);

    qmp_reader_feed (reader, log->str, log->len);
    g_assert_true (drain (reader, again));
    g_assert_cmpstr (again->str, ==, log->str);
}

int
LLVMFuzzerTestOneInput (const guint8 *data, gsize size)
{
    g_autoptr (GString) at_once = g_string_new (NULL);
    g_autoptr (GString) in_pieces = g_string_new (NULL);
    const char *bytes = (const char *)data + 1;
    gboolean whole;

    if (size < 2)
        return 0;
    whole = read_in_pieces (bytes, size - 1, size, G_MAXSIZE, at_once);
    g_assert_cmpint (
        read_in_pieces (bytes, size - 1, data[0] % MAX_PIECE + 1, G_MAXSIZE, in_pieces), ==, whole);
    g_assert_cmpstr (in_pieces->str, ==, at_once->str);
    g_string_truncate (in_pieces, 0);
    g_assert_cmpint (
        read_in_pieces (bytes, size - 1, data[0] % MAX_PIECE + 1, LARGE_LIST, in_pieces), ==,
        whole);
    g_assert_cmpstr (in_pieces->str, ==, at_once->str);
    check_again (at_once);
    return 0;
}
