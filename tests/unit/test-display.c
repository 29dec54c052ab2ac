/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* The display is fed with lines, and what comes out is compared. The examples are those of
 * tests/display; beside each NAME.jsonl is NAME.txt, what it looks like in a log. After a change of
 * words, QMPMIG_REWRITE=1 writes them anew, to be looked at in the diff. */
#include "tests/unit/check.h"
#include "tests/unit/example.h"
#include "tests/unit/stage.h"

static void
test_examples (void)
{
    for (guint i = 0; i < EXAMPLES; i++) {
        g_autofree char *drawn =
            stage_draw_example (example_names[i], (DisplayOptions){ .utf8 = TRUE });
        g_autofree char *path = g_strdup_printf ("%s/%s.txt", EXAMPLES_DIR, example_names[i]);
        g_autofree char *wanted = NULL;

        if (g_getenv ("QMPMIG_REWRITE"))
            g_assert_true (g_file_set_contents (path, drawn, -1, NULL));
        g_assert_true (g_file_get_contents (path, &wanted, NULL, NULL));
        g_assert_cmpstr (drawn, ==, wanted);
    }
}

static void
test_quiet (void)
{
    g_autofree char *completed = stage_draw_example ("precopy", (DisplayOptions){ .quiet = TRUE });
    g_autofree char *undecided =
        stage_draw_example ("undecided", (DisplayOptions){ .quiet = TRUE });

    g_assert_cmpstr (completed, ==, "Done: web1 runs on the destination.\n");
    check_words (undecided, "error: destination: *\nDecision needed: *\nerror: *\nCheck:\n  - *:\n"
                            "      qmpmig *");
}

static void
test_ascii (void)
{
    for (guint i = 0; i < EXAMPLES; i++) {
        g_autofree char *live =
            stage_draw_example (example_names[i], (DisplayOptions){ .live = TRUE, .columns = 120 });
        g_autofree char *log =
            stage_draw_example (example_names[i], (DisplayOptions){ .verbose = TRUE });

        g_assert_true (g_str_is_ascii (live));
        g_assert_true (g_str_is_ascii (log));
    }
}

static void
test_color_only_adds (void)
{
    g_autoptr (GRegex) colors = g_regex_new ("\033\\[[0-9;]*m", 0, 0, NULL);

    for (guint i = 0; i < EXAMPLES; i++) {
        DisplayOptions options = { .live = TRUE, .utf8 = TRUE, .columns = 100 };
        g_autofree char *without = stage_draw_example (example_names[i], options);
        g_autofree char *with = NULL, *stripped = NULL;

        options.color = TRUE;
        with = stage_draw_example (example_names[i], options);
        stripped = g_regex_replace_literal (colors, with, -1, 0, "", 0, NULL);
        g_assert_cmpstr (with, !=, without);
        g_assert_cmpstr (stripped, ==, without);
    }
}

/* The first line of the summary for a result of these fields. */
static void
check_headline (const char *role, const char *fields, const char *wanted)
{
    g_autofree char *header = g_strdup_printf (
        "{\"type\": \"header\", \"role\": \"%s\", \"vm\": {\"name\": \"web1\"}}", role);
    g_autofree char *result = g_strdup_printf ("{\"type\": \"result\", %s}", fields);
    g_autofree char *drawn = NULL;
    Stage stage;

    stage_open (&stage, (DisplayOptions){ .quiet = TRUE });
    stage_feed (&stage, header);
    stage_feed (&stage, result);
    drawn = stage_take (&stage);
    g_assert_cmpstr (drawn, ==, wanted);
    stage_close (&stage);
}

#define RESULT(outcome, code, place)                                                               \
    "\"outcome\": \"" outcome "\", \"exit_code\": " #code ", \"guest_runs_on\": \"" place "\""

static void
test_headlines (void)
{
    static const char *const table[][3] = {
        { "migrate", RESULT ("completed", 0, "destination"),
          "Done: web1 runs on the destination.\n" },
        { "migrate", RESULT ("completed", 0, "destination") ", \"run_state\": \"paused\"",
          "Done: web1 is on the destination, paused as it was.\n" },
        { "migrate", RESULT ("completed", 0, "destination") ", \"run_state\": \"io-error\"",
          "Done: web1 runs on the destination (QEMU calls its state 'io-error').\n" },
        { "recover", RESULT ("completed", 0, "destination") ", \"run_state\": \"running\"",
          "Done: web1 runs on the destination.\n" },
        { "incoming", RESULT ("completed", 0, "destination"), "Done: web1 runs here.\n" },
        { "incoming", RESULT ("failed", 10, "unknown"),
          "Failed: web1 did not arrive whole, and nothing was started here.\n" },
        { "migrate", RESULT ("handed-over", 0, "unknown"),
          "Handed over: the source has sent all of web1; the destination was not observed.\n" },
        { "migrate", RESULT ("failed", 10, "source"),
          "Failed: web1 runs on the source, as before.\n" },
        { "migrate", RESULT ("failed", 10, "source") ", \"run_state\": \"paused\"",
          "Failed: web1 is on the source, paused as it was.\n" },
        { "migrate", RESULT ("failed", 10, "unknown"),
          "Failed: it is not known from here where web1 runs.\n" },
        { "migrate", RESULT ("failed", 4, "source"),
          "Refused: nothing was started, web1 is untouched.\n" },
        { "migrate", RESULT ("failed", 3, "unknown"),
          "Failed: nothing was started, web1 is untouched.\n" },
        { "migrate", RESULT ("cancelled", 11, "source"),
          "Cancelled: web1 runs on the source, as before.\n" },
        { "migrate", RESULT ("guest-ended", 14, "nowhere"),
          "The guest ended: web1 runs nowhere any more.\n" },
        { "migrate", RESULT ("left", 15, "source"),
          "Left: the move of web1 goes on, and nobody steers it.\n" },
        { "migrate", RESULT ("left", 15, "source") ", \"started\": false",
          "Left: nothing was started, web1 is untouched.\n" },
        { "incoming", RESULT ("left", 15, "unknown"),
          "Left: QEMU still waits for web1, and nobody of ours looks after it.\n" },
        { "migrate", RESULT ("planned", 0, "source") ", \"text\": \"VM is untouched\"",
          "Planned: VM is untouched\n" },
        { "migrate", RESULT ("invented-later", 0, "moon"), "Ended: look after web1.\n" },
    };

    for (guint i = 0; i < G_N_ELEMENTS (table); i++)
        check_headline (table[i][0], table[i][1], table[i][2]);
}

int
main (int argc, char **argv)
{
    g_test_init (&argc, &argv, NULL);
    check_add ("/display/examples-look-as-written", test_examples);
    check_add ("/display/quiet-is-errors-and-outcome", test_quiet);
    check_add ("/display/ascii-where-the-locale-is", test_ascii);
    check_add ("/display/color-only-adds", test_color_only_adds);
    check_add ("/display/first-line-says-where-the-guest-runs", test_headlines);
    return g_test_run ();
}
