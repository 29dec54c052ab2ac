/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "agent/commands/settings.h"

#include <string.h>

#include "agent/nearest.h"

typedef enum { LIMIT_TIME, LIMIT_PERCENT, LIMIT_RATE } LimitUnit;

static const struct {
    const char *name; /* of the option of `migrate` */
    const char *key;  /* of the `header` line */
    LimitUnit unit;
} table[] = {
    { "max-downtime", "max_downtime_us", LIMIT_TIME },
    { "max-stall", "max_stall_us", LIMIT_TIME },
    { "deadline", "deadline_us", LIMIT_TIME },
    { "max-throttle", "max_throttle_pct", LIMIT_PERCENT },
    { "bandwidth", "bandwidth_bytes_per_s", LIMIT_RATE },
};

const char *
limit_name (guint index)
{
    return index < G_N_ELEMENTS (table) ? table[index].name : NULL;
}

gboolean
limit_is_known (const char *name)
{
    for (guint i = 0; i < G_N_ELEMENTS (table); i++)
        if (!strcmp (table[i].name, name))
            return TRUE;
    return FALSE;
}

static char *
format_value (LimitUnit unit, guint64 value)
{
    switch (unit) {
    case LIMIT_TIME:
        return units_format_time (value);
    case LIMIT_PERCENT:
        return g_strdup_printf ("%" G_GUINT64_FORMAT "%%", value);
    case LIMIT_RATE:
        return units_format_rate (value);
    }
    return NULL;
}

char *
limit_format (json_object *limits, const char *name)
{
    for (guint i = 0; i < G_N_ELEMENTS (table); i++)
        if (!strcmp (table[i].name, name) && qmp_peek (limits, table[i].key))
            return format_value (table[i].unit, qmp_peek_uint (limits, table[i].key, 0));
    return g_strdup ("none");
}

static gboolean
check_value (LimitUnit unit, const char *name, const char *text, GError **error)
{
    guint64 value;
    guint percent;

    switch (unit) {
    case LIMIT_TIME:
        return units_parse_time (name, text, &value, error);
    case LIMIT_PERCENT:
        return units_parse_percent (name, text, &percent, error);
    case LIMIT_RATE:
        return units_parse_rate (name, text, &value, error);
    }
    return FALSE;
}

gboolean
limit_check (const char *name, const char *text, GError **error)
{
    for (guint i = 0; i < G_N_ELEMENTS (table); i++)
        if (!strcmp (table[i].name, name))
            return check_value (table[i].unit, name, text, error);
    return FALSE;
}

void
settings_clear (Settings *self)
{
    json_object_put (self->parameters);
    json_object_put (self->limits);
    json_object_put (self->cut);
    *self = (Settings){ 0 };
}

void
settings_take (Settings *self, json_object *answer)
{
    settings_clear (self);
    self->parameters = json_object_get (qmp_peek (answer, "parameters"));
    self->limits = json_object_get (qmp_peek (answer, "limits"));
    self->cut = json_object_get (qmp_peek (answer, "cut"));
}

gboolean
settings_read (Reach *reach, Settings *ret_settings, GError **error)
{
    g_autoptr (json_object) answer =
        reach->control ? reach_ask (reach, "get", NULL, error)
                       : reach_qmp (reach, "query-migrate-parameters", NULL, error);

    if (!answer)
        return FALSE;
    if (reach->control)
        settings_take (ret_settings, answer);
    else
        ret_settings->parameters = g_steal_pointer (&answer);
    return TRUE;
}

gboolean
settings_fail_unknown (const Settings *self, const char *key, GError **error)
{
    g_autoptr (GPtrArray) names = g_ptr_array_new ();
    const char *near;

    for (guint i = 0; limit_name (i); i++)
        g_ptr_array_add (names, (gpointer)limit_name (i));
    json_object_object_foreach (self->parameters, name, value) {
        (void)value;
        g_ptr_array_add (names, name);
    }
    g_ptr_array_add (names, NULL);
    near = nearest_word (key, (const char *const *)names->pdata);
    if (near)
        g_set_error (error, UNITS_ERROR, 0, "this QEMU has no parameter '%s'; did you mean '%s'?",
                     key, near);
    else
        g_set_error (error, UNITS_ERROR, 0, "this QEMU has no parameter '%s'; `get` lists them",
                     key);
    return FALSE;
}
