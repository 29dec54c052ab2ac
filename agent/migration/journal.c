/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "agent/migration/journal.h"

#include <errno.h>
#include <fcntl.h>
#include <glib/gstdio.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include "agent/fault.h"
#include "agent/migration/error.h"
#include "agent/state.h"
#include "qmp/value.h"

struct Journal {
    char *id;
    char *path;
    int fd;
    off_t length; /* of its whole lines; what is behind them was torn */
    json_object *facts;
    guint steps; /* bit per JournalStep */
};

static const char *const step_names[] = {
    [JOURNAL_BEGUN] = "begun",
    [JOURNAL_AUTOSTART] = "destination-stopped",
    [JOURNAL_STOPPED] = "source-stopped",
    [JOURNAL_STARTED] = "started",
    [JOURNAL_OWNED] = "destination-owns-guest",
    [JOURNAL_TOLD_TO_RUN] = "destination-told-to-run",
    [JOURNAL_ARRIVED] = "arrived",
    [JOURNAL_ABANDONED] = "destination-abandoned",
};

static gboolean
fail_io (const Journal *self, const char *what, GError **error)
{
    return migrate_fail (error, EXIT_INTERNAL, "journal %s: %s: %s", self->path, what,
                         g_strerror (errno));
}

/* One write and one sync a line: a line is there whole or not at all, as far as readers go. */
static gboolean
append_line (Journal *self, json_object *line, GError **error)
{
    g_autofree char *text =
        g_strconcat (json_object_to_json_string_ext (line, JSON_C_TO_STRING_PLAIN), "\n", NULL);
    gssize length = (gssize)strlen (text);

    if (ftruncate (self->fd, self->length) < 0 || write (self->fd, text, (gsize)length) != length)
        return fail_io (self, "write", error);
    if (fdatasync (self->fd) < 0)
        return fail_io (self, "sync", error);
    self->length += length;
    return TRUE;
}

static gboolean
sync_folder (const Journal *self, GError **error)
{
    g_autofree char *folder = g_path_get_dirname (self->path);
    int fd = open (folder, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    gboolean ok = fd >= 0 && fsync (fd) == 0;

    if (fd >= 0)
        close (fd);
    return ok || fail_io (self, "sync of the folder", error);
}

static Journal *
journal_new (const char *folder, const char *file_name)
{
    Journal *self = g_new0 (Journal, 1);

    self->path = g_build_filename (folder, file_name, NULL);
    self->id = g_strndup (file_name, strlen (file_name) - strlen (".json"));
    self->fd = -1;
    return self;
}

/* A file without a name, where the file system has such: it gets its name when its facts are on the
 * disk, so that nobody finds an empty one. */
static gboolean
open_new (Journal *self, const char *folder, gboolean *ret_named, GError **error)
{
    self->fd = open (folder, O_TMPFILE | O_RDWR | O_APPEND | O_CLOEXEC, 0640);
    *ret_named = self->fd < 0;
    if (*ret_named)
        self->fd = open (self->path, O_RDWR | O_CREAT | O_EXCL | O_APPEND | O_CLOEXEC, 0640);
    return (self->fd >= 0 && flock (self->fd, LOCK_EX | LOCK_NB) == 0) ||
           fail_io (self, "cannot be made", error);
}

static gboolean
give_name (const Journal *self, GError **error)
{
    g_autofree char *nameless = g_strdup_printf ("/proc/self/fd/%d", self->fd);

    return linkat (AT_FDCWD, nameless, AT_FDCWD, self->path, AT_SYMLINK_FOLLOW) == 0 ||
           fail_io (self, "cannot be named", error);
}

Journal *
journal_begin (const char *id, json_object *facts, GError **error)
{
    g_autoptr (json_object) owned = facts;
    g_autofree char *folder = state_dir ("journal", error);
    g_autofree char *name = g_strconcat (id, ".json", NULL);
    g_autoptr (Journal) self = NULL;
    gboolean named;

    if (!folder)
        return NULL;
    self = journal_new (folder, name);
    if (!open_new (self, folder, &named, error))
        return NULL;
    self->facts = json_object_get (facts);
    self->steps = 1u << JOURNAL_BEGUN;
    fault_point ("journal:begun:before");
    if (!append_line (self, facts, error) || (!named && !give_name (self, error)) ||
        !sync_folder (self, error)) {
        g_unlink (self->path);
        return NULL;
    }
    fault_point ("journal:begun:after");
    return g_steal_pointer (&self);
}

gboolean
journal_step (Journal *self, JournalStep step, GError **error)
{
    g_autoptr (json_object) line = NULL;

    if (journal_has (self, step))
        return TRUE;
    fault_point ("journal:%s:before", step_names[step]);
    line = qmp_object ("step", json_object_new_string (step_names[step]), NULL);
    if (!append_line (self, line, error))
        return FALSE;
    self->steps |= 1u << step;
    fault_point ("journal:%s:after", step_names[step]);
    return TRUE;
}

gboolean
journal_retract (Journal *self, JournalStep step, GError **error)
{
    g_autoptr (json_object) line = NULL;

    if (!journal_has (self, step))
        return TRUE;
    fault_point ("journal:not-%s:before", step_names[step]);
    line = qmp_object ("not", json_object_new_string (step_names[step]), NULL);
    if (!append_line (self, line, error))
        return FALSE;
    self->steps &= ~(1u << step);
    fault_point ("journal:not-%s:after", step_names[step]);
    return TRUE;
}

/* Takes VALUE. */
static gboolean
note (Journal *self, const char *name, json_object *value, GError **error)
{
    g_autoptr (json_object) line = qmp_object (name, value, NULL);

    fault_point ("journal:%s:before", name);
    json_object_object_add (self->facts, name, json_object_get (value));
    if (!append_line (self, line, error))
        return FALSE;
    fault_point ("journal:%s:after", name);
    return TRUE;
}

gboolean
journal_note (Journal *self, const char *name, const char *value, GError **error)
{
    if (g_strcmp0 (qmp_peek_string (self->facts, name, NULL), value) == 0)
        return TRUE;
    return note (self, name, json_object_new_string (value), error);
}

gboolean
journal_take_over (Journal *self, GError **error)
{
    return note (self, "pid", json_object_new_int (getpid ()), error);
}

gboolean
journal_has (const Journal *self, JournalStep step)
{
    return (self->steps & (1u << step)) != 0;
}

json_object *
journal_facts (Journal *self)
{
    return self->facts;
}

const char *
journal_id (const Journal *self)
{
    return self->id;
}

void
journal_finish (Journal *self)
{
    fault_point ("journal:finish:before");
    g_unlink (self->path);
    fault_point ("journal:finish:after");
}

void
journal_close (Journal *self)
{
    if (!self)
        return;
    if (self->fd >= 0)
        close (self->fd);
    g_clear_pointer (&self->facts, json_object_put);
    g_free (self->path);
    g_free (self->id);
    g_free (self);
}

static void
take_line (Journal *self, json_object *line)
{
    const char *done = qmp_peek_string (line, "step", NULL);
    const char *undone = qmp_peek_string (line, "not", NULL);

    for (guint i = 0; i < G_N_ELEMENTS (step_names); i++) {
        if (g_strcmp0 (step_names[i], done) == 0)
            self->steps |= 1u << i;
        if (g_strcmp0 (step_names[i], undone) == 0)
            self->steps &= ~(1u << i);
    }
    if (done || undone)
        return;
    json_object_object_foreach (line, key, value)
        json_object_object_add (self->facts, key, json_object_get (value));
}

static char *
read_all (const Journal *self)
{
    g_autofree char *name = g_strdup_printf ("/proc/self/fd/%d", self->fd);
    char *text = NULL;

    return g_file_get_contents (name, &text, NULL, NULL) ? text : NULL;
}

/* What is there now. FALSE for a file without whole facts: qmpmig died before it had touched
 * anything. */
static gboolean
journal_read (Journal *self)
{
    g_autofree char *text = read_all (self);
    char *next;

    g_clear_pointer (&self->facts, json_object_put);
    self->steps = 1u << JOURNAL_BEGUN;
    self->length = 0;
    /* What has no newline is torn. */
    for (char *at = text; at && (next = strchr (at, '\n')); at = next + 1) {
        g_autoptr (json_object) line = NULL;

        *next = '\0';
        line = json_tokener_parse (at);
        self->length = next + 1 - text;
        if (!json_object_is_type (line, json_type_object))
            continue;
        if (!self->facts)
            self->facts = json_object_get (line);
        else
            take_line (self, line);
    }
    return self->facts != NULL;
}

static Journal *
journal_open (const char *folder, const char *file_name)
{
    g_autoptr (Journal) self = journal_new (folder, file_name);

    self->fd = open (self->path, O_RDWR | O_APPEND | O_CLOEXEC);
    return self->fd >= 0 && journal_read (self) ? g_steal_pointer (&self) : NULL;
}

static gboolean
names_monitor (const Journal *self, const QmpAddress *monitor)
{
    static const char *const ends[] = { "source", "destination" };

    for (guint i = 0; i < G_N_ELEMENTS (ends); i++) {
        g_autoptr (QmpAddress) end = NULL;
        const char *text = qmp_peek_string (self->facts, ends[i], NULL);

        end = text ? qmp_address_parse (text, NULL) : NULL;
        if (end && qmp_address_equal (end, monitor))
            return TRUE;
    }
    return FALSE;
}

/* By the start time in the facts: newer wins. */
static gboolean
is_newer (const Journal *a, const Journal *b)
{
    return !b || qmp_peek_uint (a->facts, "begun_us", 0) > qmp_peek_uint (b->facts, "begun_us", 0);
}

static Journal *
find_newest (const char *folder, const QmpAddress *monitor, GError **error)
{
    g_autoptr (GDir) dir = g_dir_open (folder, 0, error);
    g_autoptr (Journal) found = NULL;
    const char *name;

    while (dir && (name = g_dir_read_name (dir))) {
        g_autoptr (Journal) self = NULL;

        if (!g_str_has_suffix (name, ".json"))
            continue;
        self = journal_open (folder, name);
        if (self && names_monitor (self, monitor) && is_newer (self, found)) {
            g_clear_pointer (&found, journal_close);
            found = g_steal_pointer (&self);
        }
    }
    return g_steal_pointer (&found);
}

static gboolean
is_still_there (const Journal *self)
{
    struct stat status;

    return fstat (self->fd, &status) == 0 && status.st_nlink > 0;
}

/* Whoever held it until now may have written to it, or finished it: it is read again once it is
 * ours. */
Journal *
journal_find (const QmpAddress *monitor, GError **error)
{
    g_autofree char *folder = state_dir ("journal", error);

    while (folder) {
        g_autoptr (Journal) found = find_newest (folder, monitor, error);

        if (!found)
            return NULL;
        if (flock (found->fd, LOCK_EX | LOCK_NB) < 0) {
            migrate_fail (error, EXIT_UNREACHABLE,
                          "migration %s is being steered by qmpmig, pid %" G_GUINT64_FORMAT,
                          found->id, qmp_peek_uint (found->facts, "pid", 0));
            return NULL;
        }
        if (is_still_there (found) && journal_read (found))
            return g_steal_pointer (&found);
    }
    return NULL;
}
