/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* What the display makes of a terminal and of the environment: on a pseudo-terminal. */
#include <fcntl.h>
#include <pty.h>
#include <string.h>
#include <sys/ioctl.h>
#include <unistd.h>

#include "agent/display/display.h"
#include "agent/display/text.h"
#include "tests/unit/check.h"

#define ERASE "\033[K"

#define SAMPLE                                                                                     \
    "{\"type\": \"sample\", \"t_us\": 12300000, \"phase\": \"pre-copy\", \"status\": \"active\","  \
    " \"passes\": 2, \"remaining_bytes\": 432013312, \"sent_bytes\": 2480343613,"                  \
    " \"bandwidth_bytes_per_s\": 117440512, \"dirty_bytes_per_s\": 39950745,"                      \
    " \"throttle_pct\": 20, \"throttle_commanded_pct\": 20, \"downtime_if_stopped_us\": 310000,"   \
    " \"expected_downtime_us\": 990000, \"remaining_us\": 33200000, \"verdict\": \"on-course\"}"

typedef struct {
    int master, slave;
} Pty;

static Pty
pty_open (int columns)
{
    struct winsize size = { .ws_row = 24, .ws_col = (unsigned short)columns };
    Pty pty;

    g_assert_cmpint (openpty (&pty.master, &pty.slave, NULL, NULL, &size), ==, 0);
    g_assert_cmpint (fcntl (pty.master, F_SETFL, O_NONBLOCK), ==, 0);
    return pty;
}

static char *
pty_take (const Pty *pty)
{
    char buffer[4096];
    ssize_t length = read (pty->master, buffer, sizeof buffer);

    return g_strndup (buffer, length > 0 ? (gsize)length : 0);
}

static void
pty_close (Pty *pty)
{
    close (pty->master);
    close (pty->slave);
}

static int
drawn_width (const char *drawn)
{
    g_autofree char *line = g_strdup (drawn + strspn (drawn, "\r"));
    char *erase = strstr (line, ERASE);

    g_assert_nonnull (erase);
    *erase = '\0';
    return text_width (line);
}

static void
test_resize (void)
{
    static const int widths[] = { 120, 40, 200, 20 };
    Pty pty = pty_open (80);
    FILE *err = fdopen (dup (pty.slave), "w");
    Display *display =
        display_new (&(DisplayOptions){ .out = err, .err = err, .live = TRUE, .utf8 = TRUE });

    for (guint i = 0; i < G_N_ELEMENTS (widths); i++) {
        struct winsize size = { .ws_row = 24, .ws_col = (unsigned short)widths[i] };
        g_autoptr (json_object) sample = json_tokener_parse (SAMPLE);
        g_autofree char *drawn = NULL;

        g_assert_cmpint (ioctl (pty.slave, TIOCSWINSZ, &size), ==, 0);
        json_object_object_add (sample, "t_us", json_object_new_int ((int)i * 100000));
        display_line (display, sample);
        drawn = pty_take (&pty);
        g_assert_cmpint (drawn_width (drawn), <, widths[i]);
        g_assert_cmpint (drawn_width (drawn), >, widths[i] / 3);
    }
    display_free (display);
    fclose (err);
    pty_close (&pty);
}

/* What the options are with stdout and stderr on a terminal, or neither. */
static DisplayOptions
options_on (gboolean terminal, const GlobalOptions *global)
{
    Pty pty = pty_open (80);
    int null = open ("/dev/null", O_WRONLY);
    int old_out = dup (STDOUT_FILENO), old_err = dup (STDERR_FILENO);
    DisplayOptions options;

    dup2 (terminal ? pty.slave : null, STDOUT_FILENO);
    dup2 (terminal ? pty.slave : null, STDERR_FILENO);
    display_options_init (&options, global);
    dup2 (old_out, STDOUT_FILENO);
    dup2 (old_err, STDERR_FILENO);
    close (old_out);
    close (old_err);
    close (null);
    pty_close (&pty);
    return options;
}

static void
set_environment (const char *term, const char *no_color, const char *columns)
{
    static const char *const names[] = { "TERM", "NO_COLOR", "COLUMNS" };
    const char *values[] = { term, no_color, columns };

    for (guint i = 0; i < G_N_ELEMENTS (names); i++) {
        if (values[i])
            g_setenv (names[i], values[i], TRUE);
        else
            g_unsetenv (names[i]);
    }
}

static void
test_environment (void)
{
    static const struct {
        const char *term, *no_color;
        gboolean terminal;
        ColorMode mode;
        gboolean live, color;
    } table[] = {
        { "xterm", NULL, TRUE, COLOR_AUTO, TRUE, TRUE },
        { "xterm", "1", TRUE, COLOR_AUTO, TRUE, FALSE },
        { "xterm", "", TRUE, COLOR_AUTO, TRUE, TRUE },
        { "xterm", "1", TRUE, COLOR_ALWAYS, TRUE, TRUE },
        { "xterm", NULL, TRUE, COLOR_NEVER, TRUE, FALSE },
        { "dumb", NULL, TRUE, COLOR_AUTO, FALSE, FALSE },
        { NULL, NULL, TRUE, COLOR_AUTO, FALSE, FALSE },
        { "xterm", NULL, FALSE, COLOR_AUTO, FALSE, FALSE },
        { "xterm", NULL, FALSE, COLOR_ALWAYS, FALSE, TRUE },
    };

    for (guint i = 0; i < G_N_ELEMENTS (table); i++) {
        GlobalOptions global = { .color = table[i].mode };
        DisplayOptions options;

        set_environment (table[i].term, table[i].no_color, NULL);
        options = options_on (table[i].terminal, &global);
        g_assert_cmpint (options.live, ==, table[i].live);
        g_assert_cmpint (options.color, ==, table[i].color);
        g_assert_cmpint (options.fold, ==, table[i].terminal);
    }
}

static void
test_columns_variable (void)
{
    static const struct {
        const char *text;
        int columns;
    } table[] = { { NULL, 0 }, { "", 0 }, { "72", 72 }, { "0", 0 }, { "-5", 0 }, { "wide", 0 } };

    for (guint i = 0; i < G_N_ELEMENTS (table); i++) {
        GlobalOptions global = { 0 };

        set_environment ("xterm", NULL, table[i].text);
        g_assert_cmpint (options_on (TRUE, &global).columns, ==, table[i].columns);
    }
}

static void
test_json_owns_stdout (void)
{
    GlobalOptions global = { .json = TRUE };
    DisplayOptions options;

    set_environment ("xterm", NULL, NULL);
    options = options_on (TRUE, &global);
    g_assert_true (options.out == stderr && options.quiet && !options.live);
    global = (GlobalOptions){ .verbose = TRUE };
    options = options_on (TRUE, &global);
    g_assert_true (options.out == stdout && options.verbose && !options.live);
    global = (GlobalOptions){ .quiet = TRUE };
    options = options_on (TRUE, &global);
    g_assert_true (options.quiet && !options.live);
}

static void
test_locale (void)
{
    GlobalOptions global = { 0 };

    set_environment ("xterm", NULL, NULL);
    g_setenv ("LC_ALL", "C", TRUE);
    g_assert_false (options_on (TRUE, &global).utf8);
    g_setenv ("LC_ALL", "C.UTF-8", TRUE);
    g_assert_true (options_on (TRUE, &global).utf8);
    g_setenv ("LC_ALL", "xx_NOWHERE.UTF-8", TRUE);
    g_assert_false (options_on (TRUE, &global).utf8);
}

int
main (int argc, char **argv)
{
    g_test_init (&argc, &argv, NULL);
    check_add ("/terminal/resize", test_resize);
    check_add ("/terminal/environment", test_environment);
    check_add ("/terminal/columns-variable", test_columns_variable);
    check_add ("/terminal/json-owns-stdout", test_json_owns_stdout);
    check_add ("/terminal/locale", test_locale);
    return g_test_run ();
}
