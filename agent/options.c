/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "agent/options.h"

#include <string.h>

#include "agent/option-key.h"

static const OptionKey *
find_key (const OptionKey *keys, guint length, const char *name)
{
    for (guint i = 0; i < length; i++)
        if (!strcmp (keys[i].spec.name, name))
            return &keys[i];
    return NULL;
}

static const OptionKey *
find_migrate_key (const char *name)
{
    return find_key (option_migrate_keys, option_migrate_count, name);
}

static gboolean
set_key (const OptionKey *key, gpointer self, const char *name, const char *value, GError **error)
{
    g_autofree char *dashed = g_strconcat ("--", name, NULL);

    if (!key)
        return units_fail (error, dashed, "no such option");
    /* Only flags and options in brackets know what to do without a text. */
    if (!value && key->spec.argument && key->spec.argument[0] != '[')
        return units_fail (error, dashed, "needs %s", key->spec.argument);
    return key->set (key, self, dashed, value, error);
}

/* The texts in brackets are words; the values they stand for are those of the struct's zeros. */
static void
set_builtins (const OptionKey *keys, guint length, gpointer self)
{
    for (guint i = 0; i < length; i++)
        if (keys[i].builtin[0] != '(' &&
            !set_key (&keys[i], self, keys[i].spec.name, keys[i].builtin, NULL))
            g_assert_not_reached ();
}

void
global_options_init (GlobalOptions *self)
{
    *self = (GlobalOptions){ 0 };
    set_builtins (option_global_keys, option_global_count, self);
}

void
global_options_clear (GlobalOptions *self)
{
    g_clear_pointer (&self->socket, qmp_address_free);
    g_clear_pointer (&self->config, g_free);
}

gboolean
global_options_set (GlobalOptions *self, const char *key, const char *value, GError **error)
{
    return set_key (find_key (option_global_keys, option_global_count, key), self, key, value,
                    error);
}

const OptionSpec *
global_options_spec (guint index)
{
    return index < option_global_count ? &option_global_keys[index].spec : NULL;
}

MigrateOptions *
migrate_options_new (void)
{
    MigrateOptions *self = g_new0 (MigrateOptions, 1);

    self->capabilities = named_values_new ();
    self->parameters = named_values_new ();
    self->given = g_hash_table_new_full (g_str_hash, g_str_equal, NULL, g_free);
    self->policy_keys = named_values_new ();
    set_builtins (option_migrate_keys, option_migrate_count, self);
    return self;
}

void
migrate_options_free (MigrateOptions *self)
{
    if (!self)
        return;
    g_free (self->uri);
    qmp_address_free (self->dest_socket);
    g_free (self->compress_method);
    g_ptr_array_unref (self->capabilities);
    g_ptr_array_unref (self->parameters);
    g_ptr_array_unref (self->policy_keys);
    g_free (self->policy);
    tls_options_clear (&self->tls);
    g_strfreev (self->unsafe);
    g_free (self->trace_file);
    g_hash_table_unref (self->given);
    g_free (self);
}

gboolean
migrate_options_set (MigrateOptions *self, const char *key, const char *value, GError **error)
{
    const OptionKey *found = find_migrate_key (key);

    if (!set_key (found, self, key, value, error))
        return FALSE;
    g_hash_table_insert (self->given, (gpointer)found->spec.name, g_strdup (value ? value : "on"));
    return TRUE;
}

const OptionSpec *
migrate_options_spec (guint index)
{
    return index < option_migrate_count ? &option_migrate_keys[index].spec : NULL;
}

gboolean
migrate_options_is_key (const char *key)
{
    const OptionKey *found = find_migrate_key (key);

    return found && !(found->flags & KEY_PER_CALL);
}

gboolean
migrate_options_is_list (const char *key)
{
    const OptionKey *found = find_migrate_key (key);

    return found && (found->flags & KEY_LIST);
}

const char *
migrate_options_builtin (const char *key)
{
    const OptionKey *found = find_migrate_key (key);

    return found ? found->builtin : NULL;
}
