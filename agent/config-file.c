/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* One configuration file, checked as it is read. */
#include <string.h>

#include "agent/agent-key.h"
#include "agent/config-line.h"
#include "agent/config-private.h"
#include "agent/nearest.h"
#include "agent/option-key.h"

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
    g_autofree char *origin = g_strdup_printf ("%s:%u", file->path, line);
    g_autoptr (GError) inner = NULL;

    if (!text[0])
        return file_fail (file, line, error, "%s has no value", key);
    if (!migrate_options_set (file->config->scratch, key, text, &inner))
        return file_fail (file, line, error, "%s", inner->message);
    config_add_value (values, key, text, origin);
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

/* Only the service heeds it. */
static gboolean
read_agent_key (const File *file, const char *group, const char *key, GPtrArray *values,
                GError **error)
{
    guint line = config_find_line (file->text, group, key);
    g_autofree char *origin = g_strdup_printf ("%s:%u", file->path, line);
    g_autofree char *text = g_key_file_get_string (file->keys, group, key, NULL);
    g_autoptr (GError) inner = NULL;

    if (!text)
        return file_fail (file, line, error, "%s is not UTF-8, or has a wrong escape", key);
    if (!text[0])
        return file_fail (file, line, error, "%s has no value", key);
    if (!agent_key_check (key, text, &inner))
        return file_fail (file, line, error, "%s", inner->message);
    config_add_value (values, key, text, origin);
    return TRUE;
}

static gboolean
read_key (const File *file, const char *group, const char *key, GPtrArray *values, GError **error)
{
    guint line = config_find_line (file->text, group, key);
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

/* AGENT NULL: the service has no say here. */
static gboolean
read_keys (const File *file, const char *group, GPtrArray *values, GPtrArray *agent, GError **error)
{
    g_auto (GStrv) keys = g_key_file_get_keys (file->keys, group, NULL, NULL);

    for (guint i = 0; keys && keys[i]; i++) {
        gboolean is_agents = agent && agent_key_is_known (keys[i], TRUE);

        if (is_agents ? !read_agent_key (file, group, keys[i], agent, error)
                      : !read_key (file, group, keys[i], values, error))
            return FALSE;
    }
    return TRUE;
}

static gboolean
fail_unknown_agent_key (const File *file, const char *group, const char *key, GError **error)
{
    guint line = config_find_line (file->text, group, key);
    g_autoptr (GPtrArray) known = g_ptr_array_new ();
    const char *near;

    for (guint i = 0; agent_key_name (i, FALSE); i++)
        g_ptr_array_add (known, (gpointer)agent_key_name (i, FALSE));
    g_ptr_array_add (known, NULL);
    near = nearest_word (key, (const char *const *)known->pdata);
    return near ? file_fail (file, line, error, "unknown key '%s'; did you mean '%s'?", key, near)
                : file_fail (file, line, error, "unknown key '%s'", key);
}

static gboolean
read_agent (const File *file, const char *group, GError **error)
{
    g_auto (GStrv) keys = g_key_file_get_keys (file->keys, group, NULL, NULL);

    for (guint i = 0; keys && keys[i]; i++)
        if (agent_key_is_known (keys[i], FALSE)
                ? !read_agent_key (file, group, keys[i], file->config->agent, error)
                : !fail_unknown_agent_key (file, group, keys[i], error))
            return FALSE;
    return TRUE;
}

/* The sections of a stronger file come first: INDEX counts within this one. */
static gboolean
read_vm (const File *file, const char *group, guint index, GError **error)
{
    const char *pattern = group + strlen ("vm ");
    ConfigSection *section;

    if (!config_pattern_is_known (pattern))
        return file_fail (file, config_find_line (file->text, group, NULL), error,
                          "'%s' is neither a pattern of names nor uuid:UUID, flavor:NAME or "
                          "spec:KEY=VALUE",
                          pattern);
    section = config_add_section (file->config->sections, index, pattern);
    return read_keys (file, group, section->values, section->agent, error);
}

/* What the keys of a policy are, only the policy knows. A limit is everybody's. */
static gboolean
read_policy_key (const File *file, const char *group, const char *key, ConfigSection *section,
                 GError **error)
{
    guint line = config_find_line (file->text, group, key);
    g_autofree char *origin = g_strdup_printf ("%s:%u", file->path, line);
    g_autofree char *text = g_key_file_get_string (file->keys, group, key, NULL);

    if (g_strv_contains (option_policy_limits, key))
        return file_fail (file, line, error,
                          "%s is a limit for every policy: it belongs in [defaults] or "
                          "[vm PATTERN]",
                          key);
    if (!text)
        return file_fail (file, line, error, "%s is not UTF-8, or has a wrong escape", key);
    if (!text[0])
        return file_fail (file, line, error, "%s has no value", key);
    config_add_value (section->values, key, text, origin);
    return TRUE;
}

static gboolean
read_policy (const File *file, const char *group, guint index, GError **error)
{
    g_auto (GStrv) keys = g_key_file_get_keys (file->keys, group, NULL, NULL);
    ConfigSection *section =
        config_add_section (file->config->policies, index, group + strlen ("policy "));

    for (guint i = 0; keys && keys[i]; i++)
        if (!read_policy_key (file, group, keys[i], section, error))
            return FALSE;
    return TRUE;
}

static gboolean
read_groups (const File *file, GError **error)
{
    g_auto (GStrv) groups = g_key_file_get_groups (file->keys, NULL);
    guint vms = 0, policies = 0;

    for (guint i = 0; groups[i]; i++) {
        gboolean ok;

        if (!strcmp (groups[i], "defaults"))
            ok = read_keys (file, groups[i], file->config->values, NULL, error);
        else if (!strcmp (groups[i], "agent"))
            ok = read_agent (file, groups[i], error);
        else if (g_str_has_prefix (groups[i], "vm ") && groups[i][strlen ("vm ")])
            ok = read_vm (file, groups[i], vms++, error);
        else if (g_str_has_prefix (groups[i], "policy ") && groups[i][strlen ("policy ")])
            ok = read_policy (file, groups[i], policies++, error);
        else
            ok = file_fail (file, config_find_line (file->text, groups[i], NULL), error,
                            "unknown section [%s]: [defaults], [vm PATTERN], [policy NAME] and "
                            "[agent] are known",
                            groups[i]);
        if (!ok)
            return FALSE;
    }
    return TRUE;
}

gboolean
config_read_file (Config *self, const char *path, gboolean is_required, GError **error)
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
        return file_fail (&file, config_find_bad_line (text), error, "%s", inner->message);
    return read_groups (&file, error);
}
