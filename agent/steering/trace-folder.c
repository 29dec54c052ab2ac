/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "agent/steering/trace-folder.h"

#include <errno.h>
#include <glib/gstdio.h>
#include <string.h>
#include <sys/stat.h>

#include "agent/steering/trace-file.h"

const TraceQuota trace_quota = {
    .traces = 500,
    .bytes = 1024ull * 1024 * 1024,
    .left_after_us = 7 * G_TIME_SPAN_DAY,
};

static void
entry_free (gpointer data)
{
    TraceEntry *self = data;

    g_free (self->path);
    g_free (self->id);
    g_free (self->stamp);
    g_free (self);
}

/* What another qmpmig left goes on in the file that it had begun. */
char *
trace_folder_file (const char *folder, const char *id, const char *role)
{
    g_autofree char *plain = g_strconcat (folder, "/", id, ".jsonl", NULL);
    g_autofree char *incoming = g_strconcat (folder, "/", id, "-in.jsonl", NULL);
    gboolean goes_on = g_str_equal (role, "recover") && !g_file_test (plain, G_FILE_TEST_EXISTS) &&
                       g_file_test (incoming, G_FILE_TEST_EXISTS);

    return g_strdup (g_str_equal (role, "incoming") || goes_on ? incoming : plain);
}

static TraceEntry *
entry_new (const char *folder, const char *name, GMatchInfo *match)
{
    TraceEntry *self = g_new0 (TraceEntry, 1);
    GStatBuf status;

    self->path = g_build_filename (folder, name, NULL);
    self->id = g_match_info_fetch (match, 1);
    self->stamp = g_match_info_fetch (match, 2);
    if (g_lstat (self->path, &status) == 0) {
        self->bytes = (guint64)status.st_size;
        self->modified_us = status.st_mtim.tv_sec * G_USEC_PER_SEC + status.st_mtim.tv_nsec / 1000;
    }
    return self;
}

static int
by_stamp (gconstpointer a, gconstpointer b)
{
    const TraceEntry *one = *(TraceEntry *const *)a, *other = *(TraceEntry *const *)b;
    int order = strcmp (other->stamp, one->stamp);

    return order ? order : strcmp (other->path, one->path);
}

GPtrArray *
trace_folder_list (const char *folder, GPtrArray *foreign, GError **error)
{
    g_autoptr (GRegex) form = g_regex_new (
        "^([A-Za-z0-9._-]{1,64}-(\\d{8}T\\d{6}Z)-[0-9a-f]{4})(-in)?\\.jsonl$", 0, 0, NULL);
    g_autoptr (GPtrArray) entries = g_ptr_array_new_with_free_func (entry_free);
    g_autoptr (GError) why = NULL;
    g_autoptr (GDir) dir = g_dir_open (folder, 0, &why);
    const char *name;

    if (!dir && !g_error_matches (why, G_FILE_ERROR, G_FILE_ERROR_NOENT)) {
        g_propagate_error (error, g_steal_pointer (&why));
        return NULL;
    }
    while (dir && (name = g_dir_read_name (dir))) {
        g_autoptr (GMatchInfo) match = NULL;

        if (g_regex_match (form, name, 0, &match))
            g_ptr_array_add (entries, entry_new (folder, name, match));
        else if (foreign)
            g_ptr_array_add (foreign, g_strdup (name));
    }
    g_ptr_array_sort (entries, by_stamp);
    return g_steal_pointer (&entries);
}

static int
by_age (gconstpointer a, gconstpointer b)
{
    const TraceEntry *one = *(TraceEntry *const *)a, *other = *(TraceEntry *const *)b;

    return (one->modified_us > other->modified_us) - (one->modified_us < other->modified_us);
}

static gboolean
may_go (const TraceEntry *entry, const TraceQuota *quota)
{
    g_auto (TraceFile) file = { 0 };
    gboolean is_old = entry->modified_us + quota->left_after_us < g_get_real_time ();

    if (!trace_file_read (entry->path, &file, NULL))
        return is_old; /* it was killed before its first line was whole */
    switch (file.state) {
    case TRACE_RUNNING:
        return FALSE;
    case TRACE_ENDED:
        return TRUE;
    case TRACE_LEFT:
        return is_old;
    }
    return FALSE;
}

void
trace_folder_prune (const char *folder, const TraceQuota *quota)
{
    g_autoptr (GPtrArray) entries = trace_folder_list (folder, NULL, NULL);
    guint traces = entries ? entries->len : 0;
    guint64 bytes = 0;

    for (guint i = 0; i < traces; i++)
        bytes += ((TraceEntry *)g_ptr_array_index (entries, i))->bytes;
    if (traces <= quota->traces && bytes <= quota->bytes)
        return;
    g_ptr_array_sort (entries, by_age);
    for (guint i = 0; i < entries->len && (traces > quota->traces || bytes > quota->bytes); i++) {
        const TraceEntry *entry = g_ptr_array_index (entries, i);

        if (!may_go (entry, quota) || g_unlink (entry->path) < 0)
            continue;
        traces--;
        bytes -= entry->bytes;
    }
}
