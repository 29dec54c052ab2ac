/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "agent/steering/trace.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "agent/state.h"
#include "agent/steering/trace-file.h"
#include "agent/steering/trace-folder.h"
#include "agent/steering/trace-thinning.h"
#include "qmp/value.h"

struct Trace {
    char *folder; /* of all traces; NULL: the file is one that was named */
    char *path;
    int fd;           /* -1: not open */
    goffset length;   /* of its whole lines */
    guint64 missing;  /* lines that could not be written since the last one that could */
    gboolean told;    /* what is wrong with it */
    gboolean gave_up; /* it could not be opened */
    TraceThinning thinning;
};

static gboolean
fail_io (const char *path, const char *what, GError **error)
{
    g_set_error (error, G_FILE_ERROR, g_file_error_from_errno (errno), "%s: %s: %s", path, what,
                 g_strerror (errno));
    return FALSE;
}

/* -- Opening -- */

static void
sync_folder (const char *folder)
{
    int fd = open (folder, O_RDONLY | O_DIRECTORY | O_CLOEXEC);

    if (fd < 0)
        return;
    fsync (fd);
    close (fd);
}

/* What a qmpmig that was killed left is gone on with, behind its last whole line. */
static gboolean
take_over (Trace *self, GError **error)
{
    struct stat status;

    if (fstat (self->fd, &status) < 0)
        return fail_io (self->path, "cannot be read", error);
    self->length = trace_file_whole (self->fd, status.st_size);
    if (self->length < status.st_size && ftruncate (self->fd, self->length) < 0)
        return fail_io (self->path, "a torn line cannot be cut off", error);
    return TRUE;
}

static gboolean
open_in_folder (Trace *self, json_object *header, GError **error)
{
    const char *id = qmp_peek_string (header, "id", NULL);

    self->folder = state_dir ("traces", error);
    if (!self->folder || !id)
        return FALSE;
    self->path = trace_folder_file (self->folder, id, qmp_peek_string (header, "role", ""));
    self->fd = open (self->path, O_RDWR | O_CREAT | O_APPEND | O_CLOEXEC | O_NOFOLLOW, 0640);
    if (self->fd < 0)
        return fail_io (self->path, "cannot be made", error);
    if (!trace_file_lock (self->fd))
        return fail_io (self->path, "another qmpmig writes it", error);
    if (!take_over (self, error))
        return FALSE;
    trace_thinning_init (&self->thinning, &trace_bounds, (guint64)self->length);
    sync_folder (self->folder);
    return TRUE;
}

Trace *
trace_new (void)
{
    Trace *self = g_new0 (Trace, 1);

    self->fd = -1;
    return self;
}

Trace *
trace_new_file (const char *file, GError **error)
{
    g_autoptr (Trace) self = trace_new ();

    self->path = g_strdup (file);
    self->fd = open (file, O_WRONLY | O_CREAT | O_TRUNC | O_APPEND | O_CLOEXEC, 0640);
    if (self->fd < 0) {
        fail_io (file, "cannot be written", error);
        return NULL;
    }
    trace_file_lock (self->fd);
    trace_thinning_init (&self->thinning, &trace_bounds, 0);
    return g_steal_pointer (&self);
}

/* -- Writing -- */

/* In one piece: a line is there whole, or, after a crash, as the torn last one. */
static gboolean
append (Trace *self, const char *text, GError **error)
{
    gssize length = (gssize)strlen (text);
    gssize written;

    do
        written = write (self->fd, text, (gsize)length);
    while (written < 0 && errno == EINTR);
    if (written == length) {
        self->length += length;
        self->thinning.bytes = (guint64)self->length;
        return TRUE;
    }
    if (written > 0) {
        int cut = ftruncate (self->fd, self->length);

        errno = cut < 0 ? errno : ENOSPC;
    }
    return fail_io (self->path, "cannot be written", error);
}

/* One of the trace's own, at the time of LINE. */
static gboolean
append_notice (Trace *self, json_object *line, const char *code, const char *text, GError **error)
{
    g_autoptr (json_object) notice =
        qmp_object ("type", json_object_new_string ("notice"), "t_us",
                    json_object_new_uint64 (qmp_peek_uint (line, "t_us", 0)), NULL);
    const char *id = qmp_peek_string (line, "id", NULL);
    g_autofree char *whole = NULL;

    if (id)
        json_object_object_add (notice, "id", json_object_new_string (id));
    json_object_object_add (notice, "level", json_object_new_string ("info"));
    json_object_object_add (notice, "code", json_object_new_string (code));
    json_object_object_add (notice, "text", json_object_new_string (text));
    whole = qmp_message_text (notice);
    return append (self, whole, error);
}

static gboolean
own_up (Trace *self, json_object *line, GError **error)
{
    g_autofree char *text = NULL;

    if (!self->missing)
        return TRUE;
    text = g_strdup_printf ("%" G_GUINT64_FORMAT " lines could not be written and are missing here",
                            self->missing);
    if (!append_notice (self, line, "trace-gap", text, error))
        return FALSE;
    self->missing = 0;
    return TRUE;
}

static gboolean
write_line (Trace *self, json_object *line, const char *text, GError **error)
{
    g_autofree char *notice = NULL;
    gboolean takes = trace_thinning_takes (&self->thinning, line, strlen (text), &notice);

    if ((takes || notice) && !own_up (self, line, error))
        return FALSE;
    if (notice && !append_notice (self, line, "trace-thinned", notice, error))
        return FALSE;
    return !takes || append (self, text, error);
}

/* A pipe or a terminal cannot be synced, and need not. */
static gboolean
sync_line (const Trace *self, const char *type, GError **error)
{
    if (!g_str_equal (type, "header") && !g_str_equal (type, "result"))
        return TRUE;
    return fdatasync (self->fd) == 0 || errno == EINVAL || errno == EROFS ||
           fail_io (self->path, "cannot be brought to the disk", error);
}

static char *
tell (Trace *self, const GError *error)
{
    if (self->told)
        return NULL;
    self->told = TRUE;
    return g_strdup_printf ("the trace of this migration is not complete: %s", error->message);
}

char *
trace_line (Trace *self, json_object *line, const char *text)
{
    const char *type = qmp_peek_string (line, "type", "");
    g_autoptr (GError) error = NULL;

    if (self->gave_up || (self->fd < 0 && !g_str_equal (type, "header")))
        return NULL;
    if (self->fd < 0 && !open_in_folder (self, line, &error)) {
        self->gave_up = TRUE;
        return error ? tell (self, error) : NULL;
    }
    if (write_line (self, line, text, &error)) {
        if (sync_line (self, type, &error))
            return NULL;
    } else {
        self->missing++;
    }
    return tell (self, error);
}

void
trace_free (Trace *self)
{
    if (!self)
        return;
    if (self->fd >= 0)
        close (self->fd);
    if (self->folder && !self->gave_up)
        trace_folder_prune (self->folder, &trace_quota);
    trace_thinning_clear (&self->thinning);
    g_free (self->folder);
    g_free (self->path);
    g_free (self);
}
