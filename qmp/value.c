/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "qmp/value.h"

#include "qmp/error.h"

#include <math.h>
#include <stdarg.h>
#include <string.h>

/* json-c asserts that it looks into an object. */
static json_object *
member (json_object *object, const char *name)
{
    return json_object_is_type (object, json_type_object) ? json_object_object_get (object, name)
                                                          : NULL;
}

json_object *
qmp_peek (json_object *object, const char *path)
{
    const char *dot;

    while (object && path && (dot = strchr (path, '.'))) {
        g_autofree char *name = g_strndup (path, (gsize)(dot - path));

        object = member (object, name);
        path = dot + 1;
    }
    return object && path ? member (object, path) : object;
}

static const char *
type_name (enum json_type type)
{
    switch (type) {
    case json_type_null:
        return "null";
    case json_type_boolean:
        return "a boolean";
    case json_type_double:
        return "a fraction";
    case json_type_int:
        return "a whole number";
    case json_type_object:
        return "an object";
    case json_type_array:
        return "a list";
    case json_type_string:
        return "a string";
    }
    return "unknown";
}

static gboolean
get (json_object *object, const char *path, const char *where, enum json_type type,
     json_object **ret_value, GError **error)
{
    json_object *value = qmp_peek (object, path);

    if (!value)
        return qmp_fail (error, QMP_ERROR_PROTOCOL, "%s: \"%s\" is missing", where, path);
    if (!json_object_is_type (value, type))
        return qmp_fail (error, QMP_ERROR_PROTOCOL, "%s: \"%s\" is %s, not %s", where, path,
                         type_name (json_object_get_type (value)), type_name (type));
    *ret_value = value;
    return TRUE;
}

gboolean
qmp_get_string (json_object *object, const char *path, const char *where, const char **ret_value,
                GError **error)
{
    json_object *value = NULL;

    if (!get (object, path, where, json_type_string, &value, error))
        return FALSE;
    *ret_value = json_object_get_string (value);
    return TRUE;
}

/* json-c keeps what is over INT64_MAX apart, and clamps it when it is read as signed: a negative
 * number is the only one that reads as less than zero. */
static gboolean
is_negative (json_object *value)
{
    return json_object_get_int64 (value) < 0;
}

gboolean
qmp_get_uint (json_object *object, const char *path, const char *where, guint64 *ret_value,
              GError **error)
{
    json_object *value = NULL;

    if (!get (object, path, where, json_type_int, &value, error))
        return FALSE;
    if (is_negative (value))
        return qmp_fail (error, QMP_ERROR_PROTOCOL, "%s: \"%s\" is negative: %" G_GINT64_FORMAT,
                         where, path, (gint64)json_object_get_int64 (value));
    *ret_value = json_object_get_uint64 (value);
    return TRUE;
}

gboolean
qmp_get_bool (json_object *object, const char *path, const char *where, gboolean *ret_value,
              GError **error)
{
    json_object *value = NULL;

    if (!get (object, path, where, json_type_boolean, &value, error))
        return FALSE;
    *ret_value = json_object_get_boolean (value) ? TRUE : FALSE;
    return TRUE;
}

gboolean
qmp_get_object (json_object *object, const char *path, const char *where, json_object **ret_value,
                GError **error)
{
    return get (object, path, where, json_type_object, ret_value, error);
}

gboolean
qmp_get_array (json_object *object, const char *path, const char *where, json_object **ret_value,
               GError **error)
{
    return get (object, path, where, json_type_array, ret_value, error);
}

const char *
qmp_peek_string (json_object *object, const char *path, const char *fallback)
{
    json_object *value = qmp_peek (object, path);

    return json_object_is_type (value, json_type_string) ? json_object_get_string (value)
                                                         : fallback;
}

guint64
qmp_peek_uint (json_object *object, const char *path, guint64 fallback)
{
    json_object *value = qmp_peek (object, path);

    if (!json_object_is_type (value, json_type_int) || is_negative (value))
        return fallback;
    return json_object_get_uint64 (value);
}

/* json-c reads NaN, Infinity and 1e999, which no sum that is made with them survives. */
double
qmp_peek_double (json_object *object, const char *path, double fallback)
{
    json_object *value = qmp_peek (object, path);
    double number;

    if (!json_object_is_type (value, json_type_double) &&
        !json_object_is_type (value, json_type_int))
        return fallback;
    number = json_object_get_double (value);
    return isfinite (number) ? number : fallback;
}

gboolean
qmp_peek_bool (json_object *object, const char *path, gboolean fallback)
{
    json_object *value = qmp_peek (object, path);

    if (!json_object_is_type (value, json_type_boolean))
        return fallback;
    return json_object_get_boolean (value) ? TRUE : FALSE;
}

gsize
qmp_length (json_object *list)
{
    return json_object_is_type (list, json_type_array) ? json_object_array_length (list) : 0;
}

json_object *
qmp_object (const char *name, ...)
{
    json_object *object = json_object_new_object ();
    va_list rest;

    va_start (rest, name);
    for (; name; name = va_arg (rest, const char *))
        json_object_object_add (object, name, va_arg (rest, json_object *));
    va_end (rest);
    return object;
}

void
qmp_add_string (json_object *object, const char *name, const char *text)
{
    if (text && *text)
        json_object_object_add (object, name, json_object_new_string (text));
}
