/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "agent/display/parameter.h"

#include <string.h>

#include "agent/display/text.h"
#include "agent/units.h"

typedef enum { UNIT_RATE, UNIT_MS, UNIT_BYTES, UNIT_PERCENT } ParameterUnit;

static const struct {
    const char *name;
    ParameterUnit unit;
    const char *zero; /* what 0 stands for, where it is no number */
} units[] = {
    { "announce-initial", UNIT_MS, NULL },
    { "announce-max", UNIT_MS, NULL },
    { "announce-step", UNIT_MS, NULL },
    { "avail-switchover-bandwidth", UNIT_RATE, "as QEMU measures it" },
    { "cpu-throttle-increment", UNIT_PERCENT, NULL },
    { "cpu-throttle-initial", UNIT_PERCENT, NULL },
    { "downtime-limit", UNIT_MS, NULL },
    { "max-bandwidth", UNIT_RATE, "unlimited" },
    { "max-cpu-throttle", UNIT_PERCENT, NULL },
    { "max-postcopy-bandwidth", UNIT_RATE, "unlimited" },
    { "throttle-trigger-threshold", UNIT_PERCENT, NULL },
    { "x-checkpoint-delay", UNIT_MS, NULL },
    { "x-vcpu-dirty-limit-period", UNIT_MS, NULL },
    { "xbzrle-cache-size", UNIT_BYTES, NULL },
};

static char *
with_unit (ParameterUnit unit, guint64 number)
{
    switch (unit) {
    case UNIT_RATE:
        return units_format_rate (number);
    case UNIT_MS:
        return units_format_time (number * 1000);
    case UNIT_BYTES:
        return units_format_size (number);
    case UNIT_PERCENT:
        return g_strdup_printf ("%" G_GUINT64_FORMAT "%%", number);
    }
    return NULL;
}

static char *
number_text (const char *name, guint64 number)
{
    for (guint i = 0; i < G_N_ELEMENTS (units); i++) {
        if (strcmp (units[i].name, name) != 0)
            continue;
        if (!number && units[i].zero)
            return g_strdup (units[i].zero);
        return with_unit (units[i].unit, number);
    }
    return g_strdup_printf ("%" G_GUINT64_FORMAT, number);
}

char *
parameter_text (const Style *style, const char *name, json_object *value)
{
    if (!value)
        return NULL;
    if (json_object_is_type (value, json_type_boolean))
        return g_strdup (json_object_get_boolean (value) ? "on" : "off");
    if (json_object_is_type (value, json_type_int) && json_object_get_int64 (value) >= 0)
        return number_text (name, json_object_get_uint64 (value));
    if (json_object_is_type (value, json_type_string) && !json_object_get_string_len (value))
        return g_strdup ("\"\"");
    return text_clean (json_object_get_string (value), style->utf8);
}
