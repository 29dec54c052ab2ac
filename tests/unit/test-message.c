/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "qmp/error.h"
#include "qmp/message.h"
#include "tests/unit/check.h"

#include <string.h>

static QmpReader *
reader_with (const char *text)
{
    QmpReader *reader = qmp_reader_new (QMP_MESSAGE_MAX_BYTES, QMP_MESSAGE_MAX_DEPTH);

    qmp_reader_feed (reader, text, strlen (text));
    return reader;
}

/* NULL stands for "more bytes are needed" */
static void
expect_next (QmpReader *reader, const char *expected)
{
    g_autoptr (json_object) message = NULL;
    g_autoptr (GError) error = NULL;

    qmp_reader_next (reader, &message, &error);
    g_assert_no_error (error);
    g_assert_cmpstr (message ? json_object_to_json_string_ext (message, JSON_C_TO_STRING_PLAIN)
                             : NULL,
                     ==, expected);
}

static void
expect_broken (QmpReader *reader, const char *words)
{
    g_autoptr (json_object) message = NULL;
    g_autoptr (GError) error = NULL;

    g_assert_false (qmp_reader_next (reader, &message, &error));
    g_assert_null (message);
    check_error (error, QMP_ERROR_PROTOCOL, words);
}

static void
test_several_in_one (void)
{
    g_autoptr (QmpReader) reader = reader_with ("{\"a\":1}\r\n{\"b\":2}{\"c\":3}\n");

    expect_next (reader, "{\"a\":1}");
    expect_next (reader, "{\"b\":2}");
    expect_next (reader, "{\"c\":3}");
    expect_next (reader, NULL);
}

static void
test_byte_by_byte (void)
{
    const char *text = " {\"text\":\"h\xc3\xa9 \xe2\x82\xac "
                       "\xf0\x9f\x90\xa7\",\"n\":-12.5e3,\"u\":18446744073709551615}";
    g_autoptr (QmpReader) reader = reader_with ("");

    for (gsize i = 0; i + 1 < strlen (text); i++) {
        qmp_reader_feed (reader, text + i, 1);
        expect_next (reader, NULL);
    }
    qmp_reader_feed (reader, "}", 1);
    expect_next (reader, text + 1);
}

static void
test_pretty (void)
{
    g_autoptr (QmpReader) reader = reader_with ("{\n    \"return\": {\n        \"a\": [\n"
                                                "            1\n        ]\n    }\n}\n");

    expect_next (reader, "{\"return\":{\"a\":[1]}}");
    expect_next (reader, NULL);
}

static void
test_space_only (void)
{
    g_autoptr (QmpReader) reader = reader_with ("\r\n \t\n");

    expect_next (reader, NULL);
}

static void
test_not_json (void)
{
    static const char *const banners[] = {
        "SSH-2.0-OpenSSH_9.2p1\r\n",
        "HTTP/1.1 400 Bad Request\r\n",
        "QEMU 10.0.2 monitor\r\n(qemu) ",
        "[1]",
        "\"text\"",
        "12",
        "null",
    };

    for (gsize i = 0; i < G_N_ELEMENTS (banners); i++) {
        g_autoptr (QmpReader) reader = reader_with (banners[i]);

        expect_broken (reader, "it sent \"*\"");
    }
}

static void
test_excerpt (void)
{
    g_autoptr (QmpReader) reader = reader_with ("\xff\x1b[31mred\r\nsecond line");

    expect_broken (reader, "it sent \"\\xff\\x1b[31mred\"");
}

static void
test_broken_json (void)
{
    static const char *const texts[] = {
        "{\"a\":}",
        "{a:1}",
        "{'a':1}",
        "{\xff",
        "{\"a\":\"\xc0\x80\"}",
        "{\"a\":1,}",
        "{\"a\":\"\xff\"}",
        "{\"a\":\"\xc3(\"}",
        "{\"a\" 1}",
        "{\"a\":[1}]",
        "{\"a\":tru}",
        "{\"a\":1 \"b\":2}",
        "{\"a\":\"\\x\"}",
    };

    for (gsize i = 0; i < G_N_ELEMENTS (texts); i++) {
        g_autoptr (QmpReader) reader = reader_with (texts[i]);

        g_test_message ("case %" G_GSIZE_FORMAT, i);
        expect_broken (reader, "it sent broken JSON (*) at \"*\"");
    }
}

/* json-c, fed in pieces, takes the first for a number. */
static void
test_cut_is_all_the_same (void)
{
    static const char *const texts[] = { "{\"a\":1-}", "{\"a\":1e+}", "{\"a\":\"\xe2\x82\"}" };

    for (gsize i = 0; i < G_N_ELEMENTS (texts); i++) {
        g_autoptr (QmpReader) at_once = reader_with (texts[i]);
        g_autoptr (QmpReader) in_pieces = reader_with ("");

        expect_broken (at_once, "it sent broken JSON *");
        for (const char *rest = texts[i]; rest[1]; rest++) {
            qmp_reader_feed (in_pieces, rest, 1);
            expect_next (in_pieces, NULL);
        }
        qmp_reader_feed (in_pieces, "}", 1);
        expect_broken (in_pieces, "it sent broken JSON *");
    }
}

static void
test_nul (void)
{
    g_autoptr (QmpReader) in_message = reader_with ("");
    g_autoptr (QmpReader) in_front = reader_with ("");

    qmp_reader_feed (in_message, "{\"a\":\0}", 7);
    expect_broken (in_message, "it sent *");
    qmp_reader_feed (in_front, "\0{}", 3);
    expect_broken (in_front, "it sent *");
}

static void
test_good_before_bad (void)
{
    g_autoptr (QmpReader) reader = reader_with ("{\"a\":1}\nnonsense");

    expect_next (reader, "{\"a\":1}");
    expect_broken (reader, "it sent \"nonsense\"");
}

static void
test_stays_broken (void)
{
    g_autoptr (QmpReader) reader = reader_with ("nonsense");

    expect_broken (reader, "it sent \"nonsense\"");
    qmp_reader_feed (reader, "{}", 2);
    expect_broken (reader, "it sent \"nonsense\"");
}

static void
test_longest (void)
{
    g_autoptr (QmpReader) reader = qmp_reader_new (9, 4);

    qmp_reader_feed (reader, "   {\"a\":123}  {\"a\":123}", 23);
    expect_next (reader, "{\"a\":123}");
    expect_next (reader, "{\"a\":123}");
}

static void
test_too_long (void)
{
    g_autoptr (QmpReader) reader = qmp_reader_new (9, 4);

    qmp_reader_feed (reader, "{\"a\":1234}", 10);
    expect_broken (reader, "it sent a message of more than 9 bytes");
}

static void
test_too_long_in_pieces (void)
{
    g_autoptr (QmpReader) reader = qmp_reader_new (9, 4);

    for (const char *rest = "{\"a\":123"; *rest; rest++) {
        qmp_reader_feed (reader, rest, 1);
        expect_next (reader, NULL);
    }
    qmp_reader_feed (reader, "4", 1);
    expect_next (reader, NULL);
    qmp_reader_feed (reader, "}", 1);
    expect_broken (reader, "it sent a message of more than 9 bytes");
}

/* A split character at the bound must not be waited for any more. */
static void
test_too_long_in_character (void)
{
    g_autoptr (QmpReader) reader = qmp_reader_new (8, 4);

    qmp_reader_feed (reader, "{\"a\":\"\xe2\x82\xac\"}", 11);
    expect_broken (reader, "it sent a message of more than 8 bytes");
}

static void
nest (GString *text, guint depth)
{
    for (guint i = 0; i < depth; i++)
        g_string_append (text, "{\"a\":");
    g_string_append (text, "1");
    for (guint i = 0; i < depth; i++)
        g_string_append (text, "}");
}

static void
test_deep (void)
{
    g_autoptr (GString) text = g_string_new (NULL);
    g_autoptr (QmpReader) reader = NULL;

    nest (text, QMP_MESSAGE_MAX_DEPTH);
    reader = reader_with (text->str);
    expect_next (reader, text->str);
}

static void
test_too_deep (void)
{
    g_autoptr (GString) text = g_string_new (NULL);
    g_autoptr (QmpReader) reader = NULL;

    nest (text, QMP_MESSAGE_MAX_DEPTH + 1);
    reader = reader_with (text->str);
    expect_broken (reader, "it sent a message that is nested more than 64 deep");
}

static void
test_large_in_small_reads (void)
{
    const gsize length = 8 * 1024 * 1024;
    g_autofree char *filler = g_strnfill (length, 'x');
    g_autoptr (QmpReader) reader = reader_with ("{\"a\":\"");
    g_autoptr (json_object) message = NULL;

    for (gsize done = 0; done < length; done += 512) {
        qmp_reader_feed (reader, filler + done, 512);
        expect_next (reader, NULL);
    }
    qmp_reader_feed (reader, "\"}", 2);
    g_assert_true (qmp_reader_next (reader, &message, NULL));
    g_assert_cmpint (json_object_get_string_len (json_object_object_get (message, "a")), ==,
                     (int)length);
}

static void
test_command (void)
{
    g_autoptr (json_object) arguments = json_object_new_object ();
    g_autofree char *plain = qmp_message_command ("query-status", NULL, 7, FALSE);
    g_autofree char *full = NULL;

    json_object_object_add (arguments, "uri", json_object_new_string ("tcp:h:1/\"x\"\n\xc3\xa9"));
    full = qmp_message_command ("migrate", arguments, G_MAXINT64, TRUE);
    g_assert_cmpstr (plain, ==, "{\"execute\":\"query-status\",\"id\":7}\n");
    g_assert_cmpstr (full, ==,
                     "{\"exec-oob\":\"migrate\",\"arguments\":{\"uri\":\"tcp:h:1/\\\"x\\\"\\n"
                     "\xc3\xa9\"},\"id\":9223372036854775807}\n");
}

int
main (int argc, char **argv)
{
    g_test_init (&argc, &argv, NULL);
    check_add ("/message/several-in-one-read", test_several_in_one);
    check_add ("/message/one-byte-at-a-time", test_byte_by_byte);
    check_add ("/message/pretty-printed-over-lines", test_pretty);
    check_add ("/message/space-alone-is-no-message", test_space_only);
    check_add ("/message/what-is-no-object-is-refused", test_not_json);
    check_add ("/message/an-excerpt-is-safe-to-print", test_excerpt);
    check_add ("/message/broken-json-is-refused", test_broken_json);
    check_add ("/message/where-it-is-cut-does-not-matter", test_cut_is_all_the_same);
    check_add ("/message/a-nul-byte-is-refused", test_nul);
    check_add ("/message/what-came-before-the-garbage-is-given", test_good_before_bad);
    check_add ("/message/once-broken-always-broken", test_stays_broken);
    check_add ("/message/as-long-as-allowed", test_longest);
    check_add ("/message/too-long-is-refused", test_too_long);
    check_add ("/message/too-long-in-pieces-is-refused", test_too_long_in_pieces);
    check_add ("/message/too-long-inside-a-character", test_too_long_in_character);
    check_add ("/message/as-deep-as-allowed", test_deep);
    check_add ("/message/too-deep-is-refused", test_too_deep);
    check_add ("/message/large-in-small-reads-is-linear", test_large_in_small_reads);
    check_add ("/message/a-command-is-one-line", test_command);
    return g_test_run ();
}
