/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "tests/unit/stage.h"

#include <stdlib.h>

#include "tests/unit/example.h"

void
stage_open (Stage *self, DisplayOptions options)
{
    self->file = open_memstream (&self->text, &self->size);
    options.out = options.err = self->file;
    self->display = display_new (&options);
}

void
stage_close (Stage *self)
{
    display_free (self->display);
    fclose (self->file);
    free (self->text);
}

void
stage_feed (Stage *self, const char *json)
{
    g_autoptr (json_object) line = json_tokener_parse (json);

    g_assert_nonnull (line);
    display_line (self->display, line);
}

void
stage_feed_sample (Stage *self, guint64 t_us, const char *rest)
{
    g_autofree char *json =
        g_strdup_printf ("{\"type\": \"sample\", \"id\": \"web1-20250311T021704Z-3fa8\", \"t_us\": "
                         "%" G_GUINT64_FORMAT ", %s}",
                         t_us, rest);

    stage_feed (self, json);
}

char *
stage_take (Stage *self)
{
    char *taken;

    fflush (self->file);
    taken = g_strndup (self->text, self->size);
    rewind (self->file);
    return taken;
}

char *
stage_draw_example (const char *name, DisplayOptions options)
{
    g_autoptr (GPtrArray) lines = example_read (name);
    Stage stage;
    char *drawn;

    stage_open (&stage, options);
    for (guint i = 0; i < lines->len; i++)
        display_line (stage.display, lines->pdata[i]);
    drawn = stage_take (&stage);
    stage_close (&stage);
    return drawn;
}
