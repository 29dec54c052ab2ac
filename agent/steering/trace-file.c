/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "agent/steering/trace-file.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "qmp/value.h"

/* A header has some 10 KiB, a result one. */
#define MAX_LINE (1024 * 1024)

gboolean
trace_file_lock (int fd)
{
    struct flock lock = { .l_type = F_WRLCK, .l_whence = SEEK_SET };

    /* A file system without locks is no reason to write no trace. */
    return fcntl (fd, F_OFD_SETLK, &lock) == 0 || (errno != EAGAIN && errno != EACCES);
}

static gboolean
is_locked (int fd)
{
    struct flock lock = { .l_type = F_WRLCK, .l_whence = SEEK_SET };

    return fcntl (fd, F_OFD_GETLK, &lock) == 0 && lock.l_type != F_UNLCK;
}

/* Up to MAX_LINE bytes from AT on, 0 behind them; NULL when they cannot be read. */
static char *
read_at (int fd, goffset at, gsize *ret_length)
{
    g_autofree char *text = g_malloc (MAX_LINE + 1);
    gsize length = 0;
    gssize got = 1;

    while (length < MAX_LINE && got > 0) {
        got = pread (fd, text + length, MAX_LINE - length, at + (goffset)length);
        length += (gsize)MAX (got, 0);
    }
    if (got < 0)
        return NULL;
    text[length] = '\0';
    *ret_length = length;
    return g_steal_pointer (&text);
}

goffset
trace_file_whole (int fd, goffset length)
{
    goffset at = MAX (length - MAX_LINE, 0);
    gsize got;
    g_autofree char *text = read_at (fd, at, &got);
    const char *last = text ? memrchr (text, '\n', got) : NULL;

    return last ? at + (last - text) + 1 : at;
}

static json_object *
parse_line (const char *text, const char *type)
{
    g_autoptr (json_object) line = text[0] == '{' ? json_tokener_parse (text) : NULL;

    if (!g_str_equal (qmp_peek_string (line, "type", ""), type))
        return NULL;
    return g_steal_pointer (&line);
}

static json_object *
read_header (int fd)
{
    gsize length;
    g_autofree char *text = read_at (fd, 0, &length);
    char *end = text ? memchr (text, '\n', length) : NULL;
    g_autoptr (json_object) header = NULL;

    if (!end)
        return NULL;
    *end = '\0';
    header = parse_line (text, "header");
    if (!g_str_equal (qmp_peek_string (header, "format", ""), "qmpmig-1"))
        return NULL;
    return g_steal_pointer (&header);
}

static json_object *
read_result (int fd, goffset length)
{
    goffset whole = trace_file_whole (fd, length);
    goffset at = MAX (whole - MAX_LINE, 0);
    gsize got;
    g_autofree char *text = read_at (fd, at, &got);
    const char *before;

    if (!text || whole - at < 1)
        return NULL;
    text[whole - at - 1] = '\0';
    before = strrchr (text, '\n');
    return parse_line (before ? before + 1 : text, "result");
}

static gboolean
fail (const char *path, const char *why, GError **error)
{
    g_set_error (error, G_FILE_ERROR, G_FILE_ERROR_FAILED, "%s: %s", path, why);
    return FALSE;
}

static gboolean
read_open (int fd, const char *path, TraceFile *ret_file, GError **error)
{
    struct stat status;
    /* Before the result is looked for: a writer that ends meanwhile has written it. */
    gboolean lives = is_locked (fd);

    if (fstat (fd, &status) < 0 || !S_ISREG (status.st_mode))
        return fail (path, "not a regular file", error);
    ret_file->header = read_header (fd);
    if (!ret_file->header)
        return fail (path, "not a trace: its first line is no header of qmpmig-1", error);
    ret_file->result = read_result (fd, status.st_size);
    ret_file->state = ret_file->result ? TRACE_ENDED : lives ? TRACE_RUNNING : TRACE_LEFT;
    return TRUE;
}

gboolean
trace_file_read (const char *path, TraceFile *ret_file, GError **error)
{
    g_auto (TraceFile) file = { 0 };
    int fd = open (path, O_RDONLY | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK);
    gboolean ok;

    if (fd < 0)
        return fail (path, g_strerror (errno), error);
    ok = read_open (fd, path, &file, error);
    close (fd);
    if (!ok)
        return FALSE;
    *ret_file = file;
    file = (TraceFile){ 0 };
    return TRUE;
}

void
trace_file_clear (TraceFile *self)
{
    g_clear_pointer (&self->header, json_object_put);
    g_clear_pointer (&self->result, json_object_put);
}
