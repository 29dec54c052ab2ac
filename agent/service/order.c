/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "agent/service/order.h"

#include "agent/migration/abort-clock.h"
#include "agent/migration/error.h"
#include "qmp/value.h"

gboolean
mode_parse (const char *text, Mode *ret_mode, GError **error)
{
    if (g_strcmp0 (text, "observe") == 0)
        *ret_mode = MODE_OBSERVE;
    else if (g_strcmp0 (text, "steer") == 0)
        *ret_mode = MODE_STEER;
    else
        return migrate_fail (error, EXIT_USAGE, "mode: '%s' is neither observe nor steer", text);
    return TRUE;
}

const char *
mode_name (Mode mode)
{
    return mode == MODE_STEER ? "steer" : "observe";
}

void
order_free (Order *self)
{
    if (!self)
        return;
    g_free (self->address);
    g_free (self->uri);
    json_object_put (self->options);
    g_free (self->abort);
    g_free (self->confirm);
    g_free (self->id);
    json_object_put (self->found);
    g_free (self);
}

/* -- From D-Bus -- */

static json_object *
texts_to_json (GVariant *value)
{
    g_autofree const char **texts = g_variant_get_strv (value, NULL);
    json_object *list = json_object_new_array ();

    for (guint i = 0; texts[i]; i++)
        json_object_array_add (list, json_object_new_string (texts[i]));
    return list;
}

static gboolean
take_option (Order *self, const char *key, GVariant *value, GError **error)
{
    json_object *text = NULL;

    if (g_variant_is_of_type (value, G_VARIANT_TYPE_STRING))
        text = json_object_new_string (g_variant_get_string (value, NULL));
    else if (g_variant_is_of_type (value, G_VARIANT_TYPE_STRING_ARRAY))
        text = texts_to_json (value);
    else if (g_variant_is_of_type (value, G_VARIANT_TYPE_BOOLEAN) && g_variant_get_boolean (value))
        text = json_object_new_boolean (TRUE);
    else if (!g_variant_is_of_type (value, G_VARIANT_TYPE_BOOLEAN))
        return migrate_fail (error, EXIT_USAGE,
                             "%s: a value is a text, a list of texts or a boolean", key);
    if (text)
        json_object_object_add (self->options, key, text);
    return TRUE;
}

static const char *
text_of (GVariant *value)
{
    return g_variant_is_of_type (value, G_VARIANT_TYPE_STRING) ? g_variant_get_string (value, NULL)
                                                               : "";
}

static gboolean
take_abort (Order *self, const char *text, GError **error)
{
    g_autoptr (GError) why = NULL;
    AbortClock clock;

    if (!abort_clock_parse (text, &clock, &why))
        return migrate_fail (error, EXIT_USAGE, "%s", why->message);
    g_free (self->abort);
    self->abort = g_strdup (text);
    return TRUE;
}

static gboolean
take_confirm (Order *self, const char *end, GError **error)
{
    if (!g_str_equal (end, "source") && !g_str_equal (end, "destination"))
        return migrate_fail (error, EXIT_USAGE,
                             "confirm-dead: '%s' is neither source nor destination", end);
    g_free (self->confirm);
    self->confirm = g_strdup (end);
    return TRUE;
}

static gboolean
take (Order *self, const char *key, GVariant *value, GError **error)
{
    if (self->kind == ORDER_STEER && g_str_equal (key, "wait") &&
        g_variant_is_of_type (value, G_VARIANT_TYPE_BOOLEAN)) {
        self->waits = g_variant_get_boolean (value);
        return TRUE;
    }
    if (self->kind == ORDER_STEER && g_str_equal (key, "mode"))
        return mode_parse (text_of (value), &self->mode, error);
    if (self->kind == ORDER_STEER && g_str_equal (key, "abort"))
        return take_abort (self, text_of (value), error);
    if (self->kind == ORDER_RECOVER && g_str_equal (key, "confirm-dead"))
        return take_confirm (self, text_of (value), error);
    return take_option (self, key, value, error);
}

static gboolean
take_all (Order *self, GVariant *options, GError **error)
{
    GVariantIter iter;
    const char *key;
    GVariant *value;

    g_variant_iter_init (&iter, options);
    while (g_variant_iter_next (&iter, "{&sv}", &key, &value)) {
        gboolean ok = take (self, key, value, error);

        g_variant_unref (value);
        if (!ok)
            return FALSE;
    }
    return TRUE;
}

Order *
order_new (OrderKind kind, const char *address, const char *uri, GVariant *options, GError **error)
{
    g_autoptr (Order) self = g_new0 (Order, 1);

    self->kind = kind;
    self->address = g_strdup (address);
    self->uri = g_strdup (uri);
    self->options = json_object_new_object ();
    if (options && !take_all (self, options, error))
        return NULL;
    return g_steal_pointer (&self);
}

/* -- To the disk and back -- */

json_object *
order_to_json (const Order *self)
{
    json_object *json = qmp_object ("kind", json_object_new_int ((int)self->kind), "waits",
                                    json_object_new_boolean (self->waits), "mode",
                                    json_object_new_int ((int)self->mode), "options",
                                    json_object_get (self->options), NULL);

    qmp_add_string (json, "address", self->address);
    qmp_add_string (json, "uri", self->uri);
    qmp_add_string (json, "abort", self->abort);
    qmp_add_string (json, "id", self->id);
    if (self->found)
        json_object_object_add (json, "found", json_object_get (self->found));
    return json;
}

Order *
order_from_json (json_object *json)
{
    const char *address = qmp_peek_string (json, "address", NULL);
    json_object *options = qmp_peek (json, "options");
    Order *self;

    if (!address || !json_object_is_type (options, json_type_object))
        return NULL;
    self = g_new0 (Order, 1);
    *self = (Order){ .kind = (OrderKind)qmp_peek_uint (json, "kind", ORDER_STEER),
                     .address = g_strdup (address),
                     .uri = g_strdup (qmp_peek_string (json, "uri", NULL)),
                     .options = json_object_get (options),
                     .waits = qmp_peek_bool (json, "waits", FALSE),
                     .mode = (Mode)qmp_peek_uint (json, "mode", MODE_CONFIGURED),
                     .abort = g_strdup (qmp_peek_string (json, "abort", NULL)),
                     .id = g_strdup (qmp_peek_string (json, "id", NULL)),
                     .found = json_object_get (qmp_peek (json, "found")) };
    return self;
}

/* -- Into the options -- */

static gboolean
give_list (Config *config, const char *key, json_object *list, GError **error)
{
    for (gsize i = 0; i < json_object_array_length (list); i++)
        if (!config_give (config, key, json_object_get_string (json_object_array_get_idx (list, i)),
                          error))
            return FALSE;
    return TRUE;
}

gboolean
order_give (const Order *self, Config *config, GError **error)
{
    json_object_object_foreach (self->options, key, value) {
        gboolean is_list = json_object_is_type (value, json_type_array);
        gboolean is_flag = json_object_is_type (value, json_type_boolean);

        if (is_list ? !give_list (config, key, value, error)
                    : !config_give (config, key, is_flag ? NULL : json_object_get_string (value),
                                    error))
            return FALSE;
    }
    return TRUE;
}
