/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "agent/config.h"

#include <string.h>
#include <unistd.h>

#include "agent/nearest.h"
#include "agent/option-key.h"

G_DEFINE_QUARK (qmpmig - config - error, config_error)

struct Config {
    GPtrArray *values;
    guint defaults; /* so many of VALUES are from files; the rest is the command line's */
    GPtrArray *sections;
    MigrateOptions *scratch; /* where the values are tried */
};

static void
value_free (gpointer data)
{
    ConfigValue *self = data;

    g_free (self->key);
    g_free (self->value);
    g_free (self->origin);
    g_free (self);
}

static void
section_free (gpointer data)
{
    ConfigSection *self = data;

    g_free (self->pattern);
    g_ptr_array_unref (self->values);
    g_free (self);
}

static Config *
config_new (void)
{
    Config *self = g_new0 (Config, 1);

    self->values = g_ptr_array_new_with_free_func (value_free);
    self->sections = g_ptr_array_new_with_free_func (section_free);
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
    migrate_options_free (self->scratch);
    g_free (self);
}

/* --- line numbers, which GKeyFile does not tell ---------------------------------------------- */

static gboolean
is_group_line (const char *line, const char *group)
{
    size_t length = group ? strlen (group) : 0;

    return line[0] == '[' && strchr (line, ']') &&
           (!group || (!strncmp (line + 1, group, length) && line[length + 1] == ']'));
}

static gboolean
is_key_line (const char *line, const char *key)
{
    size_t length = strlen (key);

    return !strncmp (line, key, length) && line[length + strspn (line + length, " \t")] == '=';
}

/* The last line of KEY in GROUP, as the last one counts; KEY NULL: the group's own line. 0: none.
 */
static guint
find_line (const char *text, const char *group, const char *key)
{
    g_auto (GStrv) lines = g_strsplit (text, "\n", -1);
    gboolean inside = FALSE;
    guint found = 0;

    for (guint i = 0; lines[i]; i++) {
        char *line = g_strstrip (lines[i]);

        if (line[0] == '[')
            inside = is_group_line (line, group);
        if (inside && (key ? is_key_line (line, key) : line[0] == '['))
            found = i + 1;
    }
    return found;
}

/* The first line that is nothing a key file has. */
static guint
find_bad_line (const char *text)
{
    g_auto (GStrv) lines = g_strsplit (text, "\n", -1);
    gboolean in_group = FALSE;

    for (guint i = 0; lines[i]; i++) {
        char *line = g_strstrip (lines[i]);

        if (line[0] == '\0' || line[0] == '#')
            continue;
        if (is_group_line (line, NULL))
            in_group = TRUE;
        else if (!in_group || line[0] == '[' || line[0] == '=' || !strchr (line, '='))
            return i + 1;
    }
    return 0;
}

/* --- one file -------------------------------------------------------------------------------- */

typedef struct {
    Config *config;
    const char *path;
    const char *text;
    GKeyFile *keys;
} File;

static gboolean G_GNUC_PRINTF (4, 5)
    file_fail (const File *file, guint line, GError **error, const char *format, ...)
{
    va_list args;
    g_autofree char *text = NULL;

    va_start (args, format);
    text = g_strdup_vprintf (format, args);
    va_end (args);
    g_set_error (error, CONFIG_ERROR, 0, "%s:%u: %s", file->path, line, text);
    return FALSE;
}

static gboolean
fail_unknown_key (const File *file, guint line, const char *key, GError **error)
{
    g_autoptr (GPtrArray) known = g_ptr_array_new ();
    const char *near;

    for (guint i = 0; migrate_options_spec (i); i++)
        if (migrate_options_is_key (migrate_options_spec (i)->name))
            g_ptr_array_add (known, (gpointer)migrate_options_spec (i)->name);
    g_ptr_array_add (known, NULL);
    near = nearest_word (key, (const char *const *)known->pdata);
    return near ? file_fail (file, line, error, "unknown key '%s'; did you mean '%s'?", key, near)
                : file_fail (file, line, error, "unknown key '%s'", key);
}

static gboolean
add_value (const File *file, guint line, GPtrArray *values, const char *key, const char *text,
           GError **error)
{
    g_autoptr (GError) inner = NULL;
    ConfigValue *value;

    if (!text[0])
        return file_fail (file, line, error, "%s has no value", key);
    if (!migrate_options_set (file->config->scratch, key, text, &inner))
        return file_fail (file, line, error, "%s", inner->message);
    value = g_new0 (ConfigValue, 1);
    value->key = g_strdup (key);
    value->value = g_strdup (text);
    value->origin = g_strdup_printf ("%s:%u", file->path, line);
    g_ptr_array_add (values, value);
    return TRUE;
}

/* The values of a key: one, or several of a list, which semicolons part. NULL: a wrong escape, or
 * not UTF-8. */
static GStrv
key_texts (const File *file, const char *group, const char *key)
{
    g_autoptr (GError) error = NULL;
    g_auto (GStrv) texts = NULL;

    if (migrate_options_is_list (key)) {
        texts = g_key_file_get_string_list (file->keys, group, key, NULL, &error);
    } else {
        texts = g_new0 (char *, 2);
        texts[0] = g_key_file_get_string (file->keys, group, key, &error);
    }
    return error ? NULL : g_steal_pointer (&texts);
}

static gboolean
read_key (const File *file, const char *group, const char *key, GPtrArray *values, GError **error)
{
    guint line = find_line (file->text, group, key);
    g_auto (GStrv) texts = NULL;

    if (!migrate_options_is_key (key))
        return fail_unknown_key (file, line, key, error);
    texts = key_texts (file, group, key);
    if (!texts)
        return file_fail (file, line, error, "%s is not UTF-8, or has a wrong escape", key);
    if (!texts[0])
        return file_fail (file, line, error, "%s has no value", key);
    for (guint i = 0; texts[i]; i++)
        if (!add_value (file, line, values, key, texts[i], error))
            return FALSE;
    return TRUE;
}

static gboolean
read_keys (const File *file, const char *group, GPtrArray *values, GError **error)
{
    g_auto (GStrv) keys = g_key_file_get_keys (file->keys, group, NULL, NULL);

    for (guint i = 0; keys && keys[i]; i++)
        if (!read_key (file, group, keys[i], values, error))
            return FALSE;
    return TRUE;
}

static gboolean
read_section (const File *file, const char *group, guint index, GError **error)
{
    const char *pattern = group + strlen ("vm ");
    ConfigSection *section;

    if (strchr (pattern, ':') && !g_str_has_prefix (pattern, "uuid:"))
        return file_fail (file, find_line (file->text, group, NULL), error,
                          "'%s' is neither a pattern of names nor uuid:UUID", pattern);
    section = g_new0 (ConfigSection, 1);
    section->pattern = g_strstrip (g_strdup (pattern));
    section->values = g_ptr_array_new_with_free_func (value_free);
    /* The sections of a stronger file come first. */
    g_ptr_array_insert (file->config->sections, (int)index, section);
    return read_keys (file, group, section->values, error);
}

static gboolean
read_groups (const File *file, GError **error)
{
    g_auto (GStrv) groups = g_key_file_get_groups (file->keys, NULL);
    guint sections = 0;

    for (guint i = 0; groups[i]; i++) {
        gboolean ok;

        if (!strcmp (groups[i], "defaults"))
            ok = read_keys (file, groups[i], file->config->values, error);
        else if (g_str_has_prefix (groups[i], "vm ") && groups[i][3])
            ok = read_section (file, groups[i], sections++, error);
        else
            ok = file_fail (file, find_line (file->text, groups[i], NULL), error,
                            "unknown section [%s]: [defaults] and [vm PATTERN] are known",
                            groups[i]);
        if (!ok)
            return FALSE;
    }
    return TRUE;
}

/* A file that is not there is fine unless it was asked for. */
static gboolean
read_file (Config *self, const char *path, gboolean is_required, GError **error)
{
    g_autoptr (GKeyFile) keys = NULL;
    g_autoptr (GError) inner = NULL;
    g_autofree char *text = NULL;
    File file;

    if (!g_file_get_contents (path, &text, NULL, &inner)) {
        if (!is_required && g_error_matches (inner, G_FILE_ERROR, G_FILE_ERROR_NOENT))
            return TRUE;
        g_set_error_literal (error, CONFIG_ERROR, 0, inner->message);
        return FALSE;
    }
    keys = g_key_file_new ();
    file = (File){ .config = self, .path = path, .text = text, .keys = keys };
    if (text[0] && !g_key_file_load_from_data (keys, text, -1, G_KEY_FILE_NONE, &inner))
        return file_fail (&file, find_bad_line (text), error, "%s", inner->message);
    return read_groups (&file, error);
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
        if (!read_file (self, g_ptr_array_index (names, i), FALSE, error))
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

        if (!read_file (self, file, FALSE, error) || !read_folder (self, folder, error))
            return FALSE;
    }
    if (places->user_dir) {
        g_autofree char *file = g_build_filename (places->user_dir, "qmpmig.conf", NULL);

        return read_file (self, file, FALSE, error);
    }
    return TRUE;
}

Config *
config_load_places (const ConfigPlaces *places, GError **error)
{
    g_autoptr (Config) self = config_new ();

    if (!read_places (self, places, error))
        return NULL;
    self->defaults = self->values->len;
    return g_steal_pointer (&self);
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
    if (!read_file (self, file, TRUE, error))
        return NULL;
    self->defaults = self->values->len;
    return g_steal_pointer (&self);
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

    for (guint i = self->defaults; wanted && i < self->values->len; i++) {
        const ConfigValue *given = g_ptr_array_index (self->values, i);
        g_autofree char *before = limit_in (given->key, given->value, limit);

        if (before && !g_str_equal (given->key, key) && !g_str_equal (before, wanted))
            return option_fail (error, "--policy", "%s is given as %s there and as %s by --%s",
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
    ConfigValue *given;

    if (!check_limits_given (self, key, value ? value : "", error) ||
        !migrate_options_set (self->scratch, key, value, error))
        return FALSE;
    given = g_new0 (ConfigValue, 1);
    given->key = g_strdup (key);
    given->value = g_strdup (value ? value : "");
    given->origin = g_strdup ("command line");
    g_ptr_array_add (self->values, given);
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

static gboolean
section_matches (const ConfigSection *section, const char *name, const char *uuid)
{
    if (g_str_has_prefix (section->pattern, "uuid:"))
        return uuid && !g_ascii_strcasecmp (section->pattern + strlen ("uuid:"), uuid);
    return name && g_pattern_match_simple (section->pattern, name);
}

gboolean
config_apply_vm (const Config *self, MigrateOptions *options, const char *name, const char *uuid,
                 GError **error)
{
    for (guint i = 0; i < self->sections->len; i++) {
        const ConfigSection *section = g_ptr_array_index (self->sections, i);

        if (section_matches (section, name, uuid))
            return apply_values (section->values, 0, section->values->len, options, error) &&
                   apply_values (self->values, self->defaults, self->values->len, options, error);
    }
    return TRUE;
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
