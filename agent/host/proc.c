/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "agent/host/proc.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static int
compare_pids (gconstpointer a, gconstpointer b)
{
    return *(const pid_t *)a - *(const pid_t *)b;
}

GArray *
proc_pids (void)
{
    g_autoptr (GDir) dir = g_dir_open ("/proc", 0, NULL);
    GArray *pids = g_array_new (FALSE, FALSE, sizeof (pid_t));
    const char *name;

    while (dir && (name = g_dir_read_name (dir))) {
        pid_t pid = (pid_t)atoi (name);

        if (g_ascii_isdigit (name[0]))
            g_array_append_val (pids, pid);
    }
    g_array_sort (pids, compare_pids);
    return pids;
}

static char *
read_file (pid_t pid, const char *name, gsize *ret_length)
{
    g_autofree char *path = g_strdup_printf ("/proc/%d/%s", (int)pid, name);
    char *text = NULL;

    return g_file_get_contents (path, &text, ret_length, NULL) ? text : NULL;
}

GStrv
proc_command_line (pid_t pid)
{
    gsize length = 0;
    g_autofree char *text = read_file (pid, "cmdline", &length);
    g_autoptr (GStrvBuilder) words = g_strv_builder_new ();

    if (!text || !length)
        return NULL;
    for (gsize at = 0; at < length; at += strlen (text + at) + 1)
        g_strv_builder_add (words, text + at);
    return g_strv_builder_end (words);
}

/* comm is cut at 15 bytes, so the whole name is taken from the command line where the two agree. */
char *
proc_program (pid_t pid)
{
    g_auto (GStrv) words = proc_command_line (pid);
    g_autofree char *whole = words ? g_path_get_basename (words[0]) : NULL;
    char *comm = read_file (pid, "comm", NULL);

    if (comm)
        g_strchomp (comm);
    if (!comm || !whole || !g_str_has_prefix (whole, comm))
        return comm;
    g_free (comm);
    return g_steal_pointer (&whole);
}

char *
proc_link (pid_t pid, const char *name)
{
    g_autofree char *path = g_strdup_printf ("/proc/%d/%s", (int)pid, name);

    return g_file_read_link (path, NULL);
}

/* The name in brackets may hold spaces and brackets of its own. */
char
proc_parse_state (const char *stat)
{
    const char *end = strrchr (stat, ')');

    return end && end[1] == ' ' ? end[2] : 0;
}

char
proc_state (pid_t pid)
{
    g_autofree char *text = read_file (pid, "stat", NULL);

    return text ? proc_parse_state (text) : 0;
}

/* FALSE: not ours to read. */
static gboolean
collect_sockets (pid_t pid, GHashTable *owners)
{
    g_autofree char *path = g_strdup_printf ("/proc/%d/fd", (int)pid);
    g_autoptr (GError) error = NULL;
    g_autoptr (GDir) dir = g_dir_open (path, 0, &error);
    const char *name;

    while (dir && (name = g_dir_read_name (dir))) {
        g_autofree char *link_path = g_build_filename (path, name, NULL);
        g_autofree char *target = g_file_read_link (link_path, NULL);
        unsigned int inode;

        if (target && sscanf (target, "socket:[%u]", &inode) == 1)
            g_hash_table_insert (owners, GUINT_TO_POINTER (inode), GINT_TO_POINTER (pid));
    }
    return dir || !g_error_matches (error, G_FILE_ERROR, G_FILE_ERROR_ACCES);
}

GHashTable *
proc_socket_owners (guint *ret_hidden)
{
    g_autoptr (GArray) pids = proc_pids ();
    GHashTable *owners = g_hash_table_new (NULL, NULL);
    guint hidden = 0;

    for (guint i = 0; i < pids->len; i++)
        if (!collect_sockets (g_array_index (pids, pid_t, i), owners))
            hidden++;
    if (ret_hidden)
        *ret_hidden = hidden;
    return owners;
}
