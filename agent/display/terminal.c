/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "agent/display/terminal.h"

#include <langinfo.h>
#include <locale.h>
#include <string.h>
#include <sys/ioctl.h>
#include <unistd.h>

#define COLUMNS_DEFAULT 80

/* Of the environment, not of this process: whether main() called setlocale() is its own affair. */
static gboolean
locale_is_utf8 (void)
{
    locale_t locale = newlocale (LC_CTYPE_MASK, "", (locale_t)0);
    gboolean is_utf8;

    if (!locale)
        return FALSE;
    is_utf8 = !strcmp (nl_langinfo_l (CODESET, locale), "UTF-8");
    freelocale (locale);
    return is_utf8;
}

static gboolean
has_text (const char *variable)
{
    const char *value = g_getenv (variable);

    return value && *value;
}

/* Knows \r and "erase to the end of the line"; every terminal since the VT52 that is not "dumb". */
static gboolean
term_rewrites (void)
{
    return has_text ("TERM") && strcmp (g_getenv ("TERM"), "dumb") != 0;
}

static gboolean
want_color (ColorMode mode, gboolean both_terminals)
{
    switch (mode) {
    case COLOR_ALWAYS:
        return TRUE;
    case COLOR_NEVER:
        return FALSE;
    case COLOR_AUTO:
        break;
    }
    return both_terminals && term_rewrites () && !has_text ("NO_COLOR");
}

static int
environment_columns (void)
{
    const char *text = g_getenv ("COLUMNS");
    guint64 columns;

    if (!text || !g_ascii_string_to_unsigned (text, 10, 1, 10000, &columns, NULL))
        return 0;
    return (int)columns;
}

void
display_options_init (DisplayOptions *options, const GlobalOptions *global)
{
    gboolean err_shows = isatty (STDERR_FILENO) == 1;
    gboolean out_shows = isatty (STDOUT_FILENO) == 1;
    gboolean live = err_shows && term_rewrites () && !global->quiet && !global->verbose;

    if (global->json) {
        live = live && !out_shows;
        out_shows = err_shows;
    }
    *options = (DisplayOptions){
        .out = global->json ? stderr : stdout,
        .err = stderr,
        .live = live,
        .color = want_color (global->color, out_shows && err_shows),
        .utf8 = locale_is_utf8 (),
        .quiet = global->quiet || (global->json && !live),
        .verbose = global->verbose,
        .fold = out_shows,
        .columns = environment_columns (),
    };
}

int
terminal_columns (FILE *file, int at_most)
{
    struct winsize size = { 0 };
    int fd = fileno (file);

    if (fd < 0 || ioctl (fd, TIOCGWINSZ, &size) < 0 || !size.ws_col)
        return at_most ? at_most : COLUMNS_DEFAULT;
    return at_most ? MIN (at_most, size.ws_col) : size.ws_col;
}
