/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "agent/display/screen.h"

#define ERASE_TO_END "\033[K"

void
screen_break (Screen *self)
{
    if (!self->line)
        return;
    fputs ("\r" ERASE_TO_END, self->err);
    fflush (self->err);
    g_clear_pointer (&self->line, g_free);
}

void
screen_rewrite (Screen *self, const char *line)
{
    if (self->line && g_str_equal (self->line, line))
        return;
    g_free (self->line);
    self->line = g_strdup (line);
    fprintf (self->err, "\r%s" ERASE_TO_END, line);
    fflush (self->err);
}

void
screen_print (Screen *self, FILE *to, const char *text)
{
    g_autofree char *line = g_strdup (self->line);

    screen_break (self);
    fputs (text, to);
    fflush (to); /* before the other stream writes to the same terminal */
    if (line)
        screen_rewrite (self, line);
}
