/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "agent/steering/trace-text.h"

#include <errno.h>
#include <fcntl.h>
#include <gio/gio.h>
#include <string.h>
#include <unistd.h>

#include "agent/state.h"

/* A trace ends at 64 MiB (steering/trace-thinning.c), and one more for each `recover`. */
#define MAX_TEXT (256 * 1024 * 1024)
#define STEP     (256 * 1024)

static gboolean
read_all (GInputStream *stream, const char *path, GByteArray *text, GError **error)
{
    g_autofree guint8 *buffer = g_malloc (STEP);
    gssize got;

    while ((got = g_input_stream_read (stream, buffer, STEP, NULL, error)) > 0) {
        g_byte_array_append (text, buffer, (guint)got);
        if (text->len > MAX_TEXT) {
            g_set_error (error, G_FILE_ERROR, G_FILE_ERROR_FAILED,
                         "%s: larger than any trace of qmpmig (%d MiB)", path, MAX_TEXT >> 20);
            return FALSE;
        }
    }
    if (got < 0)
        g_prefix_error (error, "%s: ", path);
    return got == 0;
}

static GInputStream *
open_stream (const char *path, GError **error)
{
    g_autoptr (GFile) file = g_file_new_for_path (path);
    g_autoptr (GError) why = NULL;
    g_autoptr (GFileInputStream) plain = g_file_read (file, NULL, &why);
    g_autoptr (GZlibDecompressor) gzip = NULL;

    if (!plain && g_error_matches (why, G_IO_ERROR, G_IO_ERROR_NOT_FOUND)) {
        g_set_error (error, G_FILE_ERROR, G_FILE_ERROR_NOENT,
                     "%s: no such file, and no trace of that name; `qmpmig history` lists them",
                     path);
        return NULL;
    }
    if (!plain) {
        g_propagate_prefixed_error (error, g_steal_pointer (&why), "%s: ", path);
        return NULL;
    }
    if (!g_str_has_suffix (path, ".gz"))
        return G_INPUT_STREAM (g_steal_pointer (&plain));
    gzip = g_zlib_decompressor_new (G_ZLIB_COMPRESSOR_FORMAT_GZIP);
    return g_converter_input_stream_new (G_INPUT_STREAM (plain), G_CONVERTER (gzip));
}

GByteArray *
trace_text_read (const char *path, GError **error)
{
    g_autoptr (GInputStream) stream = open_stream (path, error);
    g_autoptr (GByteArray) text = g_byte_array_new ();

    if (!stream || !read_all (stream, path, text, error))
        return NULL;
    return g_steal_pointer (&text);
}

gboolean
trace_text_is_written (const char *path)
{
    struct flock lock = { .l_type = F_WRLCK, .l_whence = SEEK_SET };
    int fd = open (path, O_RDONLY | O_CLOEXEC | O_NONBLOCK);
    gboolean is_locked;

    if (fd < 0)
        return FALSE;
    is_locked = fcntl (fd, F_OFD_GETLK, &lock) == 0 && lock.l_type != F_UNLCK;
    close (fd);
    return is_locked;
}

char *
trace_text_path (const char *name)
{
    g_autofree char *folder = NULL;
    g_autofree char *file = NULL;
    g_autofree char *path = NULL;

    if (strchr (name, '/') || g_file_test (name, G_FILE_TEST_EXISTS))
        return g_strdup (name);
    folder = state_path ("traces");
    file = g_str_has_suffix (name, ".jsonl") ? g_strdup (name) : g_strconcat (name, ".jsonl", NULL);
    path = g_build_filename (folder, file, NULL);
    return g_file_test (path, G_FILE_TEST_EXISTS) ? g_steal_pointer (&path) : g_strdup (name);
}
