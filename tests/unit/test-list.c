/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "agent/migration/schema.h"
#include "qmp/error.h"
#include "qmp/list.h"
#include "tests/unit/check.h"

#include <string.h>

static QmpList *
list_of (const char *text)
{
    return qmp_list_new (g_strdup (text), strlen (text));
}

static void
expect_whole (const char *text, const char *expected)
{
    g_autoptr (QmpList) list = list_of (text);
    g_autoptr (GError) error = NULL;
    g_autoptr (json_object) whole = qmp_list_to_json (list, &error);

    g_assert_no_error (error);
    g_assert_cmpstr (json_object_to_json_string_ext (whole, JSON_C_TO_STRING_PLAIN), ==, expected);
}

static void
expect_broken (const char *text, const char *words)
{
    g_autoptr (QmpList) list = list_of (text);
    g_autoptr (GError) error = NULL;

    g_assert_null (qmp_list_to_json (list, &error));
    check_error (error, QMP_ERROR_PROTOCOL, words);
}

static void
test_elements_of_all_kinds (void)
{
    expect_whole ("[]", "[]");
    expect_whole ("[ \r\n\t]", "[]");
    expect_whole ("[1]", "[1]");
    expect_whole (" [1]" + 1, "[1]");
    expect_whole ("[ {\"a\":[]} , \"]\" ,null,\n-1.5, true, [[2],3] ]",
                  "[{\"a\":[]},\"]\",null,-1.5,true,[[2],3]]");
}

static void
test_what_is_no_list_of_values (void)
{
    expect_broken ("[1,]", "*in a list at \"]*");
    expect_broken ("[,1]", "*in a list at \",1]*");
    expect_broken ("[1,,2]", "*in a list at \",2]*");
    expect_broken ("[1 2]", "*in a list at \"2]*");
    expect_broken ("[{\"a\":}]", "*in a list*");
    expect_broken ("[nul]", "*in a list*");
    expect_broken ("[{]", "*in a list*");
}

static void
test_from_the_first_one_again (void)
{
    g_autoptr (QmpList) list = list_of ("[7,8]");
    gboolean more;

    for (guint turn = 0; turn < 2; turn++) {
        g_autoptr (json_object) element = NULL;

        qmp_list_rewind (list);
        g_assert_true (qmp_list_next (list, &more, &element, NULL));
        g_assert_true (more);
        g_assert_cmpint (json_object_get_int (element), ==, 7);
    }
}

/* -- Left out of a message -- */

static QmpReader *
reader_with (const char *text)
{
    QmpReader *reader = qmp_reader_new (QMP_MESSAGE_MAX_BYTES, QMP_MESSAGE_MAX_DEPTH);

    qmp_reader_leave_out_lists (reader, strlen ("[1,2]"));
    qmp_reader_feed (reader, text, strlen (text));
    return reader;
}

/* LEFT_OUT: NULL for nothing. */
static void
expect_read (QmpReader *reader, const char *expected, const char *left_out)
{
    g_autoptr (json_object) message = NULL;
    g_autoptr (json_object) whole = NULL;
    g_autoptr (QmpList) list = NULL;
    g_autoptr (GError) error = NULL;

    qmp_reader_next (reader, &message, &error);
    g_assert_no_error (error);
    g_assert_cmpstr (json_object_to_json_string_ext (message, JSON_C_TO_STRING_PLAIN), ==,
                     expected);
    list = qmp_reader_take_list (reader);
    whole = list ? qmp_list_to_json (list, NULL) : NULL;
    g_assert_cmpstr (whole ? json_object_to_json_string_ext (whole, JSON_C_TO_STRING_PLAIN) : NULL,
                     ==, left_out);
}

static void
test_a_large_one_is_left_out_of_its_reply (void)
{
    g_autoptr (QmpReader) reader = reader_with ("{\"return\": [1,2]}"
                                                " { \"return\" : [{\"a\":[]}, \"]\"], \"id\": 7}"
                                                "{\"return\": [1,2,3]}{\"return\":{}}");

    expect_read (reader, "{\"return\":[1,2]}", NULL);
    expect_read (reader, "{\"return\":[],\"id\":7}", "[{\"a\":[]},\"]\"]");
    expect_read (reader, "{\"return\":[]}", "[1,2,3]");
    expect_read (reader, "{\"return\":{}}", NULL);
}

static void
test_other_lists_stay (void)
{
    static const char *const messages[] = {
        "{\"id\":7,\"return\":[1,2,3]}",
        "{\"event\":[1,2,3]}",
        "{\"return\":{\"a\":[1,2,3]}}",
        "{\"return\":1,\"a\":[1,2,3]}",
        "{\"return\":[1,2,3],\"a\":\"return\"}",
        "{\"return \":[1,2,3]}",
        "{\"re turn\":[1,2,3]}",
    };

    for (guint i = 0; i < G_N_ELEMENTS (messages); i++) {
        g_autoptr (QmpReader) reader = reader_with (messages[i]);

        expect_read (reader, messages[i], NULL);
    }
}

/* Of two members with one name the last one counts. */
static void
test_a_name_that_comes_twice (void)
{
    g_autoptr (QmpReader) reader =
        reader_with ("{\"return\":[1,2,3],\"return\":4}{\"return\":[1,2,3],\"\\u0072eturn\":5}");

    expect_read (reader, "{\"return\":4}", NULL);
    expect_read (reader, "{\"return\":5}", NULL);
}

/* -- What the schema says -- */

#define TYPES                                                                                      \
    "{\"name\":\"1\",\"members\":[{\"name\":\"downtime-limit\",\"type\":\"int\"},"                 \
    "{\"name\":\"multifd-compression\",\"type\":\"3\"}]},"                                         \
    "{\"name\":\"2\",\"members\":[{\"name\":\"target-is-zero\",\"type\":\"bool\"}]},"              \
    "{\"name\":\"3\",\"values\":[\"none\",\"zstd\"]}"
#define COMMANDS                                                                                   \
    "{\"name\":\"migrate-set-parameters\",\"arg-type\":\"1\"},"                                    \
    "{\"name\":\"blockdev-mirror\",\"arg-type\":\"2\"}"
#define DIGEST                                                                                     \
    "{\"format\":2,\"multifd-postcopy\":true,\"parameters\":{\"downtime-limit\":true,"             \
    "\"multifd-compression\":true},\"compressions\":{\"none\":true,\"zstd\":true}}"

static void
expect_digest (const char *entries, const char *expected)
{
    g_autoptr (QmpList) list = list_of (entries);
    g_autoptr (GError) error = NULL;
    g_autoptr (json_object) digest = schema_digest (list, &error);

    g_assert_no_error (error);
    g_assert_cmpstr (json_object_to_json_string_ext (digest, JSON_C_TO_STRING_PLAIN), ==, expected);
}

static void
test_a_digest_in_whatever_order (void)
{
    expect_digest ("[" COMMANDS "," TYPES "]", DIGEST);
    expect_digest ("[" TYPES "," COMMANDS "]", DIGEST);
}

static void
test_a_digest_of_what_lacks (void)
{
    const char *nothing =
        "{\"format\":2,\"multifd-postcopy\":false,\"parameters\":{},\"compressions\":{}}";

    expect_digest ("[]", nothing);
    expect_digest ("[" TYPES "]", nothing);
    expect_digest ("[" COMMANDS "]", nothing);
    expect_digest ("[1,null,{\"name\":5}]", nothing);
}

static void
test_a_digest_of_what_is_broken (void)
{
    g_autoptr (QmpList) list = list_of ("[{\"name\":\"a\"},}]");
    g_autoptr (GError) error = NULL;

    g_assert_null (schema_digest (list, &error));
    check_error (error, QMP_ERROR_PROTOCOL, "*in a list*");
}

int
main (int argc, char **argv)
{
    g_test_init (&argc, &argv, NULL);
    check_add ("/list/elements-of-all-kinds", test_elements_of_all_kinds);
    check_add ("/list/what-is-no-list-of-values", test_what_is_no_list_of_values);
    check_add ("/list/from-the-first-one-again", test_from_the_first_one_again);
    check_add ("/list/a-large-one-is-left-out-of-its-reply",
               test_a_large_one_is_left_out_of_its_reply);
    check_add ("/list/other-lists-stay", test_other_lists_stay);
    check_add ("/list/a-name-that-comes-twice", test_a_name_that_comes_twice);
    check_add ("/list/a-digest-in-whatever-order", test_a_digest_in_whatever_order);
    check_add ("/list/a-digest-of-what-lacks", test_a_digest_of_what_lacks);
    check_add ("/list/a-digest-of-what-is-broken", test_a_digest_of_what_is_broken);
    return g_test_run ();
}
