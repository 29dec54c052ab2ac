/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "qmp/error.h"
#include "qmp/value.h"
#include "tests/unit/check.h"

#define WHERE "query-migrate: return"

static json_object *
sample (void)
{
    return json_tokener_parse (
        "{\"status\": \"active\", \"ram\": {\"remaining\": 4096, \"mbps\": 1.5},"
        " \"max\": 18446744073709551615, \"least\": -1, \"blocked\": true,"
        " \"reasons\": [\"a\"], \"nothing\": null}");
}

static void
test_string (void)
{
    g_autoptr (json_object) object = sample ();
    const char *status = NULL;

    g_assert_true (qmp_get_string (object, "status", WHERE, &status, NULL));
    g_assert_cmpstr (status, ==, "active");
}

static void
test_path (void)
{
    g_autoptr (json_object) object = sample ();
    guint64 remaining = 0;

    g_assert_true (qmp_get_uint (object, "ram.remaining", WHERE, &remaining, NULL));
    g_assert_cmpuint (remaining, ==, 4096);
}

static void
test_largest_uint (void)
{
    g_autoptr (json_object) object = sample ();
    guint64 max = 0;

    g_assert_true (qmp_get_uint (object, "max", WHERE, &max, NULL));
    g_assert_cmpuint (max, ==, G_MAXUINT64);
    g_assert_cmpuint (qmp_peek_uint (object, "max", 0), ==, G_MAXUINT64);
}

static void
test_bool_object_array (void)
{
    g_autoptr (json_object) object = sample ();
    json_object *ram = NULL, *reasons = NULL;
    gboolean blocked = FALSE;

    g_assert_true (qmp_get_bool (object, "blocked", WHERE, &blocked, NULL));
    g_assert_true (blocked);
    g_assert_true (qmp_get_object (object, "ram", WHERE, &ram, NULL));
    g_assert_true (json_object_is_type (ram, json_type_object));
    g_assert_true (qmp_get_array (object, "reasons", WHERE, &reasons, NULL));
    g_assert_cmpuint (json_object_array_length (reasons), ==, 1);
}

static void
test_missing (void)
{
    g_autoptr (json_object) object = sample ();
    g_autoptr (GError) error = NULL;
    const char *text = "untouched";

    g_assert_false (qmp_get_string (object, "ram.nosuch", WHERE, &text, &error));
    g_assert_cmpstr (text, ==, "untouched");
    check_error (error, QMP_ERROR_PROTOCOL, WHERE ": \"ram.nosuch\" is missing");
}

static void
test_null_is_missing (void)
{
    g_autoptr (json_object) object = sample ();
    g_autoptr (GError) error = NULL;
    gboolean value = 7;

    g_assert_false (qmp_get_bool (object, "nothing", WHERE, &value, &error));
    g_assert_cmpint (value, ==, 7);
    check_error (error, QMP_ERROR_PROTOCOL, "* is missing");
}

static void
test_wrong_type (void)
{
    g_autoptr (json_object) object = sample ();
    g_autoptr (GError) error = NULL;
    const char *text;
    guint64 number = 7;
    json_object *value;

    g_assert_false (qmp_get_uint (object, "status", WHERE, &number, &error));
    check_error (error, QMP_ERROR_PROTOCOL, "* \"status\" is a string, not a whole number");
    g_assert_false (qmp_get_uint (object, "ram.mbps", WHERE, &number, &error));
    check_error (error, QMP_ERROR_PROTOCOL, "* is a fraction, not a whole number");
    g_assert_false (qmp_get_string (object, "ram", WHERE, &text, &error));
    check_error (error, QMP_ERROR_PROTOCOL, "* is an object, not a string");
    g_assert_false (qmp_get_object (object, "reasons", WHERE, &value, &error));
    check_error (error, QMP_ERROR_PROTOCOL, "* is a list, not an object");
    g_assert_false (qmp_get_array (object, "blocked", WHERE, &value, &error));
    check_error (error, QMP_ERROR_PROTOCOL, "* is a boolean, not a list");
    g_assert_cmpuint (number, ==, 7);
}

static void
test_negative (void)
{
    g_autoptr (json_object) object = sample ();
    g_autoptr (GError) error = NULL;
    guint64 number = 7;

    g_assert_false (qmp_get_uint (object, "least", WHERE, &number, &error));
    check_error (error, QMP_ERROR_PROTOCOL, "* \"least\" is negative: -1");
    g_assert_cmpuint (number, ==, 7);
    g_assert_cmpuint (qmp_peek_uint (object, "least", 9), ==, 9);
}

static void
test_step_into_scalar (void)
{
    g_autoptr (json_object) object = sample ();

    g_assert_null (qmp_peek (object, "status.x"));
    g_assert_null (qmp_peek (object, "reasons.0"));
    g_assert_null (qmp_peek (object, "nothing.x"));
    g_assert_null (qmp_peek (object, ""));
    g_assert_null (qmp_peek (object, "."));
    g_assert_null (qmp_peek (NULL, "x"));
}

static void
test_fallbacks (void)
{
    g_autoptr (json_object) object = sample ();

    g_assert_cmpstr (qmp_peek_string (object, "max", "other"), ==, "other");
    g_assert_cmpuint (qmp_peek_uint (object, "status", 3), ==, 3);
    g_assert_cmpfloat (qmp_peek_double (object, "status", 2.5), ==, 2.5);
    g_assert_cmpfloat (qmp_peek_double (object, "ram.mbps", 0), ==, 1.5);
    g_assert_cmpfloat (qmp_peek_double (object, "ram.remaining", 0), ==, 4096);
    g_assert_true (qmp_peek_bool (object, "nosuch", TRUE));
    g_assert_true (qmp_peek_bool (object, "blocked", FALSE));
    g_assert_false (qmp_peek_bool (NULL, "blocked", FALSE));
}

static void
test_not_finite (void)
{
    g_autoptr (json_object) object =
        json_tokener_parse ("{\"a\": NaN, \"b\": Infinity, \"c\": -1e999}");

    g_assert_cmpfloat (qmp_peek_double (object, "a", 7), ==, 7);
    g_assert_cmpfloat (qmp_peek_double (object, "b", 7), ==, 7);
    g_assert_cmpfloat (qmp_peek_double (object, "c", 7), ==, 7);
}

static void
test_build (void)
{
    g_autoptr (json_object) object =
        qmp_object ("uri", json_object_new_string ("tcp:h:1"), "none", NULL, "flag",
                    json_object_new_boolean (TRUE), NULL);

    g_assert_cmpstr (json_object_to_json_string_ext (object, JSON_C_TO_STRING_PLAIN), ==,
                     "{\"uri\":\"tcp:h:1\",\"none\":null,\"flag\":true}");
}

int
main (int argc, char **argv)
{
    g_test_init (&argc, &argv, NULL);
    check_add ("/value/a-string-is-lent", test_string);
    check_add ("/value/a-path-steps-into-objects", test_path);
    check_add ("/value/numbers-reach-the-top-of-64-bits", test_largest_uint);
    check_add ("/value/booleans-objects-and-lists", test_bool_object_array);
    check_add ("/value/a-missing-field-is-named", test_missing);
    check_add ("/value/null-is-as-good-as-missing", test_null_is_missing);
    check_add ("/value/a-wrong-type-is-named", test_wrong_type);
    check_add ("/value/a-negative-number-is-no-uint", test_negative);
    check_add ("/value/a-path-into-a-scalar-finds-nothing", test_step_into_scalar);
    check_add ("/value/a-peek-falls-back", test_fallbacks);
    check_add ("/value/what-is-not-finite-is-no-number", test_not_finite);
    check_add ("/value/an-object-is-built-from-pairs", test_build);
    return g_test_run ();
}
