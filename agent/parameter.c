/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "agent/parameter.h"

#include <string.h>

#define MIB (1024 * 1024)

typedef enum { UNIT_NONE, UNIT_MS, UNIT_RATE, UNIT_MIB_RATE, UNIT_SIZE, UNIT_PERCENT } Unit;

typedef struct {
    const char *name;
    Unit unit;
    const char *zero;     /* what 0 stands for, where it is no number */
    gboolean is_for_next; /* the running migration has read it already */
} Parameter;

static const Parameter table[] = {
    { "announce-initial", UNIT_MS, NULL, FALSE },
    { "announce-max", UNIT_MS, NULL, FALSE },
    { "announce-step", UNIT_MS, NULL, FALSE },
    { "avail-switchover-bandwidth", UNIT_RATE, "as QEMU measures it", FALSE },
    { "cpu-throttle-increment", UNIT_PERCENT, NULL, FALSE },
    { "cpu-throttle-initial", UNIT_PERCENT, NULL, FALSE },
    { "direct-io", UNIT_NONE, NULL, TRUE },
    { "downtime-limit", UNIT_MS, NULL, FALSE },
    { "max-bandwidth", UNIT_RATE, "unlimited", FALSE },
    { "max-cpu-throttle", UNIT_PERCENT, NULL, FALSE },
    { "max-postcopy-bandwidth", UNIT_RATE, "unlimited", FALSE },
    { "mode", UNIT_NONE, NULL, TRUE },
    { "multifd-channels", UNIT_NONE, NULL, TRUE },
    { "multifd-compression", UNIT_NONE, NULL, TRUE },
    { "multifd-qatzip-level", UNIT_NONE, NULL, TRUE },
    { "multifd-zlib-level", UNIT_NONE, NULL, TRUE },
    { "multifd-zstd-level", UNIT_NONE, NULL, TRUE },
    { "throttle-trigger-threshold", UNIT_PERCENT, NULL, FALSE },
    { "tls-authz", UNIT_NONE, NULL, TRUE },
    { "tls-creds", UNIT_NONE, NULL, TRUE },
    { "tls-hostname", UNIT_NONE, NULL, TRUE },
    { "vcpu-dirty-limit", UNIT_MIB_RATE, NULL, FALSE },
    { "x-checkpoint-delay", UNIT_MS, NULL, FALSE },
    { "x-vcpu-dirty-limit-period", UNIT_MS, NULL, FALSE },
    { "xbzrle-cache-size", UNIT_SIZE, NULL, FALSE },
    { "zero-page-detection", UNIT_NONE, NULL, TRUE },
};

static const Parameter *
find (const char *name)
{
    static const Parameter unknown = { 0 };

    for (gsize i = 0; i < G_N_ELEMENTS (table); i++)
        if (!strcmp (table[i].name, name))
            return &table[i];
    return &unknown;
}

gboolean
parameter_has_unit (const char *name)
{
    return find (name)->unit != UNIT_NONE;
}

gboolean
parameter_is_for_next (const char *name)
{
    return find (name)->is_for_next;
}

/* QEMU counts in steps of STEP of our base unit. */
static gboolean
to_steps (const char *name, const char *text, const char *unit, guint64 step, guint64 *value,
          GError **error)
{
    if (*value % step != 0) {
        g_set_error (error, UNITS_ERROR, 0, "%s: %s is no whole number of %s, in which QEMU counts",
                     name, text, unit);
        return FALSE;
    }
    *value /= step;
    return TRUE;
}

static gboolean
parse_rate (const char *name, const char *text, gboolean has_unlimited, guint64 *ret_value,
            GError **error)
{
    if (!units_parse_rate (name, text, ret_value, error))
        return FALSE;
    if (*ret_value != UNITS_UNLIMITED)
        return TRUE;
    *ret_value = 0;
    if (!has_unlimited)
        g_set_error (error, UNITS_ERROR, 0, "%s: it cannot be unlimited", name);
    return has_unlimited;
}

static gboolean
parse_percent (const char *name, const char *text, guint64 *ret_value, GError **error)
{
    guint percent;

    if (!units_parse_percent (name, text, &percent, error))
        return FALSE;
    *ret_value = percent;
    return TRUE;
}

static gboolean
parse_number (const Parameter *self, const char *text, guint64 *ret_value, GError **error)
{
    gboolean has_unlimited = !g_strcmp0 (self->zero, "unlimited");

    switch (self->unit) {
    case UNIT_NONE:
        break;
    case UNIT_MS:
        return units_parse_time (self->name, text, ret_value, error) &&
               to_steps (self->name, text, "milliseconds", 1000, ret_value, error);
    case UNIT_RATE:
        return parse_rate (self->name, text, has_unlimited, ret_value, error);
    case UNIT_MIB_RATE:
        return parse_rate (self->name, text, has_unlimited, ret_value, error) &&
               to_steps (self->name, text, "MiB/s", MIB, ret_value, error);
    case UNIT_SIZE:
        return units_parse_size (self->name, text, ret_value, error);
    case UNIT_PERCENT:
        return parse_percent (self->name, text, ret_value, error);
    }
    return FALSE;
}

/* What TEXT looks like, for a parameter that has no value yet. */
static json_object *
guess (const char *text)
{
    gint64 number;
    gboolean flag;

    if (g_ascii_string_to_signed (text, 10, G_MININT64, G_MAXINT64, &number, NULL))
        return json_object_new_int64 (number);
    if (units_parse_bool ("", text, &flag, NULL))
        return json_object_new_boolean (flag);
    return json_object_new_string (text);
}

static json_object *
parse_like (const char *name, const char *text, json_object *now, GError **error)
{
    guint64 number;
    gboolean flag;

    switch (json_object_get_type (now)) {
    case json_type_int:
        return units_parse_uint (name, text, 0, G_MAXUINT64, &number, error)
                   ? json_object_new_uint64 (number)
                   : NULL;
    case json_type_boolean:
        return units_parse_bool (name, text, &flag, error) ? json_object_new_boolean (flag) : NULL;
    case json_type_string:
        return json_object_new_string (text);
    case json_type_null:
    case json_type_double:
    case json_type_object:
    case json_type_array:
        break;
    }
    return guess (text);
}

json_object *
parameter_parse (const char *name, const char *text, json_object *now, GError **error)
{
    const Parameter *self = find (name);
    guint64 value = 0;

    if (self->unit == UNIT_NONE)
        return parse_like (name, text, now, error);
    return parse_number (self, text, &value, error) ? json_object_new_uint64 (value) : NULL;
}

static char *
format_number (const Parameter *self, guint64 number)
{
    if (!number && self->zero)
        return g_strdup (self->zero);
    switch (self->unit) {
    case UNIT_NONE:
        break;
    case UNIT_MS:
        return units_format_time (number * 1000);
    case UNIT_RATE:
        return units_format_rate (number);
    case UNIT_MIB_RATE:
        return units_format_rate (number * MIB);
    case UNIT_SIZE:
        return units_format_size (number);
    case UNIT_PERCENT:
        return g_strdup_printf ("%" G_GUINT64_FORMAT "%%", number);
    }
    return g_strdup_printf ("%" G_GUINT64_FORMAT, number);
}

char *
parameter_format (const char *name, json_object *value)
{
    if (json_object_is_type (value, json_type_boolean))
        return g_strdup (json_object_get_boolean (value) ? "on" : "off");
    if (json_object_is_type (value, json_type_int) && json_object_get_int64 (value) >= 0)
        return format_number (find (name), json_object_get_uint64 (value));
    if (json_object_is_type (value, json_type_string) && !json_object_get_string_len (value))
        return g_strdup ("\"\"");
    return g_strdup (json_object_get_string (value));
}
