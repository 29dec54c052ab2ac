/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* How a move goes on: a line that is drawn again and again, or one line now and then. */
#include <stdlib.h>
#include <string.h>

#include "tests/unit/check.h"
#include "tests/unit/stage.h"

/* --- the live line -------------------------------------------------------------------------------
 */

static int
last_percent (const char *drawn)
{
    const char *sign = strrchr (drawn, '%');

    g_assert_nonnull (sign);
    return atoi (sign - 3);
}

static void
test_never_backwards (void)
{
    static const struct {
        const char *progress;
        int shown;
    } steps[] = {
        { "\"progress\": 0.1", 10 }, { "\"progress\": 0.5", 50 },  { "\"progress\": 0.3", 50 },
        { "\"syncs\": 1", 50 },      { "\"progress\": -1", 50 },   { "\"progress\": 0.51", 51 },
        { "\"progress\": 7", 100 },  { "\"progress\": 0.9", 100 },
    };
    Stage stage;

    stage_open (&stage, (DisplayOptions){ .live = TRUE, .columns = 80 });
    for (guint i = 0; i < G_N_ELEMENTS (steps); i++) {
        g_autofree char *drawn = NULL;
        g_autofree char *rest = g_strdup_printf (
            "\"phase\": \"pre-copy\", \"remaining_bytes\": %u, %s", i, steps[i].progress);

        stage_feed_sample (&stage, i * 200000, rest);
        drawn = stage_take (&stage);
        g_assert_cmpint (last_percent (drawn), ==, steps[i].shown);
    }
    stage_close (&stage);
}

static guint
count_char (const char *text, char c)
{
    guint count = 0;

    for (; *text; text++)
        count += *text == c;
    return count;
}

static void
test_redraws (void)
{
    g_autofree char *drawn = NULL;
    Stage stage;

    stage_open (&stage, (DisplayOptions){ .live = TRUE, .columns = 80 });
    for (guint i = 0; i < 300; i++) {
        g_autofree char *rest =
            g_strdup_printf ("\"phase\": \"pre-copy\", \"remaining_bytes\": %u", i);

        stage_feed_sample (&stage, 500000 + i * 9973, rest);
    }
    drawn = stage_take (&stage);
    g_assert_cmpuint (count_char (drawn, '\r'), ==, 30);
    stage_close (&stage);
}

static void
test_notice_makes_room (void)
{
    g_autofree char *drawn = NULL;
    Stage stage;

    stage_open (&stage, (DisplayOptions){ .live = TRUE, .columns = 80 });
    stage_feed_sample (&stage, 0, "\"phase\": \"pre-copy\"");
    stage_feed (&stage, "{\"type\": \"notice\", \"level\": \"warning\", \"text\": \"Slow.\"}");
    display_break (stage.display);
    drawn = stage_take (&stage);
    g_assert_cmpstr (drawn, ==,
                     "\rpre-copy" STAGE_ERASE "\r" STAGE_ERASE
                     "warning: Slow.\n\rpre-copy" STAGE_ERASE "\r" STAGE_ERASE);
    stage_close (&stage);
}

static void
test_result_ends_live_line (void)
{
    g_autofree char *drawn = NULL;
    Stage stage;

    stage_open (&stage, (DisplayOptions){ .live = TRUE, .columns = 80 });
    stage_feed_sample (&stage, 0, "\"phase\": \"pre-copy\"");
    stage_feed (&stage, "{\"type\": \"result\", \"outcome\": \"cancelled\","
                        " \"guest_runs_on\": \"source\", \"exit_code\": 11}");
    drawn = stage_take (&stage);
    g_assert_cmpstr (drawn, ==,
                     "\rpre-copy" STAGE_ERASE "\r" STAGE_ERASE
                     "Cancelled: the guest runs on the source, as before.\n");
    stage_close (&stage);
}

/* --- the log -------------------------------------------------------------------------------------
 */

static void
test_plain_cadence (void)
{
    static const struct {
        guint64 t_us;
        const char *rest;
        gboolean printed;
    } steps[] = {
        { 1000, "\"phase\": \"setup\", \"passes\": 0", TRUE },
        { 100000, "\"phase\": \"setup\", \"passes\": 0", FALSE },
        { 200000, "\"phase\": \"pre-copy\", \"passes\": 0", TRUE },
        { 5100000, "\"phase\": \"pre-copy\", \"passes\": 0", FALSE },
        { 5200000, "\"phase\": \"pre-copy\", \"passes\": 0", TRUE },
        { 5300000, "\"phase\": \"pre-copy\", \"passes\": 1", TRUE },
        { 10200000, "\"phase\": \"pre-copy\", \"passes\": 1", FALSE },
        { 10300000, "\"phase\": \"pre-copy\", \"passes\": 1", TRUE },
        { 10400000, "\"phase\": \"postcopy\"", TRUE },
        { 10500000, "\"phase\": \"postcopy\"", FALSE },
    };
    Stage stage;

    stage_open (&stage, (DisplayOptions){ .utf8 = TRUE });
    for (guint i = 0; i < G_N_ELEMENTS (steps); i++) {
        g_autofree char *drawn = NULL;

        stage_feed_sample (&stage, steps[i].t_us, steps[i].rest);
        drawn = stage_take (&stage);
        g_assert_cmpuint (count_char (drawn, '\n'), ==, steps[i].printed ? 1 : 0);
    }
    stage_close (&stage);
}

int
main (int argc, char **argv)
{
    g_test_init (&argc, &argv, NULL);
    check_add ("/display-progress/bar-never-runs-backwards", test_never_backwards);
    check_add ("/display-progress/ten-redraws-a-second", test_redraws);
    check_add ("/display-progress/notice-makes-room", test_notice_makes_room);
    check_add ("/display-progress/result-ends-live-line", test_result_ends_live_line);
    check_add ("/display-progress/plain-cadence", test_plain_cadence);
    return g_test_run ();
}
