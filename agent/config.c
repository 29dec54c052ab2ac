/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include <string.h>
#include <unistd.h>

#include "agent/config-private.h"
#include "agent/option-key.h"

G_DEFINE_QUARK (qmpmig - config - error, config_error)

static void
value_free (gpointer data)
{
    ConfigValue *self = data;

    g_free (self->key);
    g_free (self->value);
    g_free (self->origin);
    g_free (self);
}

void
config_add_value (GPtrArray *values, const char *key, const char *value, const char *origin)
{
    ConfigValue *self = g_new0 (ConfigValue, 1);

    self->key = g_strdup (key);
    self->value = g_strdup (value ? value : "");
    self->origin = g_strdup (origin);
    g_ptr_array_add (values, self);
}

static void
section_free (gpointer data)
{
    ConfigSection *self = data;

    g_free (self->pattern);
    g_ptr_array_unref (self->values);
    g_ptr_array_unref (self->agent);
    g_free (self);
}

ConfigSection *
config_add_section (GPtrArray *sections, guint index, const char *pattern)
{
    ConfigSection *self = g_new0 (ConfigSection, 1);

    self->pattern = g_strstrip (g_strdup (pattern));
    self->values = g_ptr_array_new_with_free_func (value_free);
    self->agent = g_ptr_array_new_with_free_func (value_free);
    g_ptr_array_insert (sections, (int)index, self);
    return self;
}

Config *
config_new (void)
{
    Config *self = g_new0 (Config, 1);

    self->values = g_ptr_array_new_with_free_func (value_free);
    self->sections = g_ptr_array_new_with_free_func (section_free);
    self->policies = g_ptr_array_new_with_free_func (section_free);
    self->agent = g_ptr_array_new_with_free_func (value_free);
    self->scratch = migrate_options_new ();
    return self;
}

void
config_free (Config *self)
{
    if (!self)
        return;
    g_ptr_array_unref (self->values);
    g_ptr_array_unref (self->sections);
    g_ptr_array_unref (self->policies);
    g_ptr_array_unref (self->agent);
    migrate_options_free (self->scratch);
    g_free (self);
}

/* --- all files ------------------------------------------------------------------------------- */

static int
compare_names (gconstpointer a, gconstpointer b)
{
    return strcmp (*(const char *const *)a, *(const char *const *)b);
}

/* The *.conf of a folder, by name. */
static gboolean
read_folder (Config *self, const char *path, GError **error)
{
    g_autoptr (GDir) dir = g_dir_open (path, 0, NULL);
    g_autoptr (GPtrArray) names = g_ptr_array_new_with_free_func (g_free);
    const char *name;

    while (dir && (name = g_dir_read_name (dir)))
        if (g_str_has_suffix (name, ".conf") && name[0] != '.')
            g_ptr_array_add (names, g_build_filename (path, name, NULL));
    g_ptr_array_sort (names, compare_names);
    for (guint i = 0; i < names->len; i++)
        if (!config_read_file (self, g_ptr_array_index (names, i), FALSE, error))
            return FALSE;
    return TRUE;
}

static gboolean
read_places (Config *self, const ConfigPlaces *places, GError **error)
{
    if (places->vendor_dir && !read_folder (self, places->vendor_dir, error))
        return FALSE;
    if (places->system_dir) {
        g_autofree char *file = g_build_filename (places->system_dir, "qmpmig.conf", NULL);
        g_autofree char *folder = g_build_filename (places->system_dir, "qmpmig.conf.d", NULL);

        if (!config_read_file (self, file, FALSE, error) || !read_folder (self, folder, error))
            return FALSE;
    }
    if (places->user_dir) {
        g_autofree char *file = g_build_filename (places->user_dir, "qmpmig.conf", NULL);

        return config_read_file (self, file, FALSE, error);
    }
    return TRUE;
}

/* What is read from here on stands above every file. */
static Config *
end_files (Config *self)
{
    self->files = self->stronger = self->values->len;
    return self;
}

Config *
config_load_places (const ConfigPlaces *places, GError **error)
{
    g_autoptr (Config) self = config_new ();

    return read_places (self, places, error) ? end_files (g_steal_pointer (&self)) : NULL;
}

Config *
config_load (const char *file, GError **error)
{
    g_autoptr (Config) self = NULL;
    g_autofree char *user_dir = NULL;

    if (!file) {
        /* root's files are those in /etc: `sudo qmpmig` must not obey the caller's. */
        if (geteuid () != 0)
            user_dir = g_build_filename (g_get_user_config_dir (), "qmpmig", NULL);
        return config_load_places (&(ConfigPlaces){ .vendor_dir = QMPMIG_DATADIR,
                                                    .system_dir = QMPMIG_SYSCONFDIR,
                                                    .user_dir = user_dir },
                                   error);
    }
    self = config_new ();
    return config_read_file (self, file, TRUE, error) ? end_files (g_steal_pointer (&self)) : NULL;
}

gboolean
config_read_environment (Config *self, GError **error)
{
    const char *policy = g_getenv ("QMPMIG_POLICY");

    if (!policy || !policy[0])
        return TRUE;
    if (!migrate_options_set (self->scratch, "policy", policy, error)) {
        g_prefix_error (error, "QMPMIG_POLICY: ");
        return FALSE;
    }
    config_add_value (self->values, "policy", policy, "environment");
    self->stronger = self->values->len;
    return TRUE;
}

/* --- use ------------------------------------------------------------------------------------- */

/* What the value KEY=TEXT says of LIMIT; owned by the caller. */
static char *
limit_in (const char *key, const char *text, const char *limit)
{
    if (g_str_equal (key, limit))
        return g_strdup (text);
    return g_str_equal (key, "policy") ? option_policy_limit (text, limit) : NULL;
}

/* A limit can be given by its option and by --policy, but not two of them. */
static gboolean
check_limit_given (const Config *self, const char *key, const char *value, const char *limit,
                   GError **error)
{
    g_autofree char *wanted = limit_in (key, value, limit);

    for (guint i = self->stronger; wanted && i < self->values->len; i++) {
        const ConfigValue *given = g_ptr_array_index (self->values, i);
        g_autofree char *before = limit_in (given->key, given->value, limit);

        if (before && !g_str_equal (given->key, key) && !g_str_equal (before, wanted))
            return units_fail (error, "--policy", "%s is given as %s there and as %s by --%s",
                               limit, g_str_equal (key, "policy") ? wanted : before,
                               g_str_equal (key, "policy") ? before : wanted, limit);
    }
    return TRUE;
}

static gboolean
check_limits_given (const Config *self, const char *key, const char *value, GError **error)
{
    for (const char *const *limit = option_policy_limits; *limit; limit++)
        if (!check_limit_given (self, key, value, *limit, error))
            return FALSE;
    return TRUE;
}

gboolean
config_give (Config *self, const char *key, const char *value, GError **error)
{
    if (!check_limits_given (self, key, value ? value : "", error) ||
        !migrate_options_set (self->scratch, key, value, error))
        return FALSE;
    config_add_value (self->values, key, value, "command line");
    return TRUE;
}

static gboolean
apply_values (const GPtrArray *values, guint from, guint to, MigrateOptions *options,
              GError **error)
{
    for (guint i = from; i < to; i++) {
        const ConfigValue *value = g_ptr_array_index (values, i);

        if (!migrate_options_set (options, value->key, value->value, error)) {
            g_prefix_error (error, "%s: ", value->origin);
            return FALSE;
        }
    }
    return TRUE;
}

gboolean
config_apply (const Config *self, MigrateOptions *options, GError **error)
{
    return apply_values (self->values, 0, self->values->len, options, error);
}

/* What is given with the name of the policy stands above; so does a stronger file, which comes
 * first. In a file the last one counts. */
static void
apply_policy (const Config *self, MigrateOptions *options)
{
    for (guint i = 0; options->policy && i < self->policies->len; i++) {
        const ConfigSection *section = g_ptr_array_index (self->policies, i);

        for (guint j = section->values->len; !strcmp (section->pattern, options->policy) && j > 0;
             j--) {
            const ConfigValue *value = g_ptr_array_index (section->values, j - 1);

            if (!named_value_find (options->policy_keys, value->key))
                named_value_put (options->policy_keys, value->key, value->value, value->origin);
        }
    }
}

gboolean
config_apply_traits (const Config *self, MigrateOptions *options, const Traits *traits,
                     GError **error)
{
    const ConfigSection *section = config_find_vm (self, traits);

    if (section && (!apply_values (section->values, 0, section->values->len, options, error) ||
                    !apply_values (self->values, self->files, self->values->len, options, error)))
        return FALSE;
    apply_policy (self, options);
    return TRUE;
}

gboolean
config_apply_vm (const Config *self, MigrateOptions *options, const char *name, const char *uuid,
                 GError **error)
{
    Traits traits = { .name = (char *)name, .uuid = (char *)uuid };

    return config_apply_traits (self, options, &traits, error);
}

const GPtrArray *
config_values (const Config *self)
{
    return self->values;
}

const GPtrArray *
config_sections (const Config *self)
{
    return self->sections;
}

const GPtrArray *
config_policies (const Config *self)
{
    return self->policies;
}

const GPtrArray *
config_agent (const Config *self)
{
    return self->agent;
}
