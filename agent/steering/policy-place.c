/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "agent/steering/policy-place.h"

#include <errno.h>
#include <string.h>

#include "agent/nearest.h"
#include "agent/steering/policy-internal.h"

#define SUFFIX ".so"

static char *
program_dir (void)
{
    g_autofree char *program = g_file_read_link ("/proc/self/exe", NULL);

    return program ? g_path_get_dirname (program) : NULL;
}

/* Installed, ../plugins could be anybody's: /usr/local/plugins. A helper is one folder deeper. */
static char *
build_tree_dir (void)
{
    g_autofree char *program = program_dir ();
    gboolean helps = program && g_str_has_suffix (program, "/helpers");
    g_autofree char *plugins =
        program ? g_build_filename (program, helps ? "../../plugins" : "../plugins", NULL) : NULL;

    if (!plugins || !strcmp (program, QMPMIG_BINDIR) || !strcmp (program, QMPMIG_HELPERDIR) ||
        !g_file_test (plugins, G_FILE_TEST_IS_DIR))
        return NULL;
    return g_canonicalize_filename (plugins, NULL);
}

char *
policy_place_dir (GError **error)
{
    const char *given = g_getenv ("QMPMIG_PLUGIN_DIR");
    char *built;

    if (given && *given) {
        if (g_path_is_absolute (given))
            return g_strdup (given);
        policy_fail (error, EXIT_USAGE, "QMPMIG_PLUGIN_DIR: %s is not an absolute path", given);
        return NULL;
    }
    built = build_tree_dir ();
    return built ? built : g_strdup (QMPMIG_PLUGINDIR);
}

gboolean
policy_place_is_name (const char *name)
{
    return *name && strlen (name) < 64 &&
           strspn (name, "abcdefghijklmnopqrstuvwxyz0123456789-") == strlen (name);
}

/* NAME of NAME.so; NULL for any other file. */
static char *
name_of_file (const char *file)
{
    g_autofree char *name = NULL;

    if (!g_str_has_suffix (file, SUFFIX))
        return NULL;
    name = g_strndup (file, strlen (file) - strlen (SUFFIX));
    return policy_place_is_name (name) ? g_steal_pointer (&name) : NULL;
}

static int
compare_names (gconstpointer a, gconstpointer b)
{
    return strcmp (*(const char *const *)a, *(const char *const *)b);
}

GStrv
policy_place_names (GError **error)
{
    g_autofree char *path = policy_place_dir (error);
    g_autoptr (GPtrArray) names = g_ptr_array_new_with_free_func (g_free);
    g_autoptr (GError) inner = NULL;
    g_autoptr (GDir) dir = path ? g_dir_open (path, 0, &inner) : NULL;
    const char *file;

    if (!path || (inner && !g_error_matches (inner, G_FILE_ERROR, G_FILE_ERROR_NOENT))) {
        if (inner)
            policy_fail (error, EXIT_USAGE, "%s", inner->message);
        return NULL;
    }
    while (dir && (file = g_dir_read_name (dir))) {
        char *name = name_of_file (file);

        if (name)
            g_ptr_array_add (names, name);
    }
    g_ptr_array_sort (names, compare_names);
    g_ptr_array_add (names, NULL);
    return (GStrv)g_ptr_array_free (g_steal_pointer (&names), FALSE);
}

static char *
find_path (const char *path, char **ret_name, GError **error)
{
    g_autofree char *file = g_path_get_basename (path);
    char *name = name_of_file (file);

    if (!name) {
        policy_fail (error, EXIT_USAGE,
                     "policy %s: the file is not called NAME.so, of lower case letters, digits and "
                     "hyphens",
                     path);
        return NULL;
    }
    *ret_name = name;
    return g_strdup (path);
}

static void
fail_unknown (const char *name, const char *dir, GError **error)
{
    g_auto (GStrv) names = policy_place_names (NULL);
    g_autofree char *list = names ? g_strjoinv (", ", names) : NULL;
    const char *near = names ? nearest_word (name, (const char *const *)names) : NULL;

    if (near)
        policy_fail (error, EXIT_USAGE, "no policy '%s' in %s; did you mean '%s'?", name, dir,
                     near);
    else
        policy_fail (error, EXIT_USAGE, "no policy '%s' in %s; there is: %s%sexec", name, dir,
                     list ? list : "", list && *list ? ", " : "");
}

char *
policy_place_find (const char *name_or_path, char **ret_name, GError **error)
{
    g_autofree char *dir = NULL;
    g_autofree char *file = NULL;
    g_autofree char *path = NULL;

    if (g_path_is_absolute (name_or_path))
        return find_path (name_or_path, ret_name, error);
    if (!policy_place_is_name (name_or_path)) {
        policy_fail (error, EXIT_USAGE,
                     "policy '%s' is neither a name (lower case letters, digits, hyphens) nor an "
                     "absolute path",
                     name_or_path);
        return NULL;
    }
    dir = policy_place_dir (error);
    if (!dir)
        return NULL;
    file = g_strconcat (name_or_path, SUFFIX, NULL);
    path = g_build_filename (dir, file, NULL);
    if (!g_file_test (path, G_FILE_TEST_EXISTS)) {
        fail_unknown (name_or_path, dir, error);
        return NULL;
    }
    *ret_name = g_strdup (name_or_path);
    return g_steal_pointer (&path);
}
