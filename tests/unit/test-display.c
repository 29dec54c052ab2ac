/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* The display is fed with lines, and what comes out is compared. The examples are those of
 * tests/display; beside each NAME.jsonl is NAME.txt, what it looks like in a log. After a change of
 * words, QMPMIG_REWRITE=1 writes them anew, to be looked at in the diff. */
#include <stdlib.h>
#include <string.h>

#include "agent/display/display.h"
#include "qmp/value.h"
#include "tests/unit/check.h"
#include "tests/unit/example.h"

#define ID "\"id\": \"web1-20250311T021704Z-3fa8\""

/* --- a display that draws into memory -------------------------------------------------------- */

typedef struct {
    Display *display;
    FILE *file; /* both streams */
    char *text;
    size_t size;
} Stage;

static void
stage_open (Stage *self, DisplayOptions options)
{
    self->file = open_memstream (&self->text, &self->size);
    options.out = options.err = self->file;
    self->display = display_new (&options);
}

static void
stage_close (Stage *self)
{
    display_free (self->display);
    fclose (self->file);
    free (self->text);
}

static void
feed (Display *display, const char *json)
{
    g_autoptr (json_object) line = json_tokener_parse (json);

    g_assert_nonnull (line);
    display_line (display, line);
}

static void
feed_sample (Display *display, guint64 t_us, const char *rest)
{
    g_autofree char *json = g_strdup_printf (
        "{\"type\": \"sample\", " ID ", \"t_us\": %" G_GUINT64_FORMAT ", %s}", t_us, rest);

    feed (display, json);
}

static void
feed_named_header (Display *display, const char *name)
{
    g_autoptr (json_object) line =
        qmp_object ("type", json_object_new_string ("header"), "t_us", json_object_new_int (0),
                    "vm", qmp_object ("name", json_object_new_string (name), NULL), NULL);

    display_line (display, line);
}

/* What was drawn since the last call. */
static char *
stage_take (Stage *self)
{
    char *taken;

    fflush (self->file);
    taken = g_strndup (self->text, self->size);
    rewind (self->file);
    return taken;
}

/* --- examples -------------------------------------------------------------------------------- */

static char *
draw_example (const char *name, DisplayOptions options)
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

static void
test_examples (void)
{
    for (guint i = 0; i < EXAMPLES; i++) {
        g_autofree char *drawn = draw_example (example_names[i], (DisplayOptions){ .utf8 = TRUE });
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
    g_autofree char *completed = draw_example ("precopy", (DisplayOptions){ .quiet = TRUE });
    g_autofree char *undecided = draw_example ("undecided", (DisplayOptions){ .quiet = TRUE });

    g_assert_cmpstr (completed, ==, "Done: web1 runs on the destination.\n");
    check_words (undecided, "error: destination: *\nDecision needed: *\nerror: *\nCheck:\n  - *:\n"
                            "      qmpmig *");
}

static void
test_ascii (void)
{
    for (guint i = 0; i < EXAMPLES; i++) {
        g_autofree char *live =
            draw_example (example_names[i], (DisplayOptions){ .live = TRUE, .columns = 120 });
        g_autofree char *log = draw_example (example_names[i], (DisplayOptions){ .verbose = TRUE });

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
        g_autofree char *without = draw_example (example_names[i], options);
        g_autofree char *with = NULL, *stripped = NULL;

        options.color = TRUE;
        with = draw_example (example_names[i], options);
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
    feed (stage.display, header);
    feed (stage.display, result);
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
        { "migrate", RESULT ("planned", 0, "source") ", \"text\": \"VM is untouched\"",
          "Planned: VM is untouched\n" },
        { "migrate", RESULT ("invented-later", 0, "moon"), "Ended: look after web1.\n" },
    };

    for (guint i = 0; i < G_N_ELEMENTS (table); i++)
        check_headline (table[i][0], table[i][1], table[i][2]);
}

/* --- the live line --------------------------------------------------------------------------- */

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

        feed_sample (stage.display, i * 200000, rest);
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

        feed_sample (stage.display, 500000 + i * 9973, rest);
    }
    drawn = stage_take (&stage);
    g_assert_cmpuint (count_char (drawn, '\r'), ==, 30);
    stage_close (&stage);
}

#define ERASE "\033[K"

static void
test_notice_makes_room (void)
{
    g_autofree char *drawn = NULL;
    Stage stage;

    stage_open (&stage, (DisplayOptions){ .live = TRUE, .columns = 80 });
    feed_sample (stage.display, 0, "\"phase\": \"pre-copy\"");
    feed (stage.display, "{\"type\": \"notice\", \"level\": \"warning\", \"text\": \"Slow.\"}");
    display_break (stage.display);
    drawn = stage_take (&stage);
    g_assert_cmpstr (drawn, ==,
                     "\rpre-copy" ERASE "\r" ERASE "warning: Slow.\n\rpre-copy" ERASE "\r" ERASE);
    stage_close (&stage);
}

static void
test_result_ends_live_line (void)
{
    g_autofree char *drawn = NULL;
    Stage stage;

    stage_open (&stage, (DisplayOptions){ .live = TRUE, .columns = 80 });
    feed_sample (stage.display, 0, "\"phase\": \"pre-copy\"");
    feed (stage.display, "{\"type\": \"result\", \"outcome\": \"cancelled\","
                         " \"guest_runs_on\": \"source\", \"exit_code\": 11}");
    drawn = stage_take (&stage);
    g_assert_cmpstr (drawn, ==,
                     "\rpre-copy" ERASE "\r" ERASE
                     "Cancelled: the guest runs on the source, as before.\n");
    stage_close (&stage);
}

/* --- the log --------------------------------------------------------------------------------- */

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
        { 10400000, "\"phase\": \"post-copy\"", TRUE },
        { 10500000, "\"phase\": \"post-copy\"", FALSE },
    };
    Stage stage;

    stage_open (&stage, (DisplayOptions){ .utf8 = TRUE });
    for (guint i = 0; i < G_N_ELEMENTS (steps); i++) {
        g_autofree char *drawn = NULL;

        feed_sample (stage.display, steps[i].t_us, steps[i].rest);
        drawn = stage_take (&stage);
        g_assert_cmpuint (count_char (drawn, '\n'), ==, steps[i].printed ? 1 : 0);
    }
    stage_close (&stage);
}

/* --- policy ---------------------------------------------------------------------------------- */

static void
check_advice (Stage *stage, const char *fields, const char *wanted)
{
    g_autofree char *json = g_strdup_printf ("{\"type\": \"advice\", %s}", fields);
    g_autofree char *drawn = NULL;

    feed (stage->display, json);
    drawn = stage_take (stage);
    g_assert_cmpstr (drawn, ==, wanted);
}

static void
test_advice_is_news (void)
{
    Stage stage;

    stage_open (&stage, (DisplayOptions){ .utf8 = TRUE });
    check_advice (&stage, "\"reason\": \"fine\", \"action\": \"none\"", "");
    check_advice (&stage, "\"reason\": \"slow\", \"throttle_pct\": 20",
                  "policy: throttle 20% (was 0%): slow\n");
    check_advice (&stage, "\"reason\": \"slow\", \"throttle_pct\": 25", "");
    check_advice (&stage, "\"reason\": \"slow\", \"throttle_pct\": 35",
                  "policy: throttle 35% (was 20%): slow\n");
    check_advice (&stage, "\"reason\": \"better\", \"throttle_pct\": 0",
                  "policy: throttle 0% (was 35%): better\n");
    check_advice (&stage, "\"reason\": \"stuck\", \"action\": \"postcopy\"",
                  "policy: switch to post-copy: stuck\n");
    check_advice (&stage, "\"reason\": \"stuck\", \"action\": \"postcopy\"", "");
    stage_close (&stage);
}

static void
test_verbose_advice (void)
{
    Stage stage;

    stage_open (&stage, (DisplayOptions){ .utf8 = TRUE, .verbose = TRUE });
    check_advice (&stage, "\"reason\": \"fine\"", "policy: fine\n");
    check_advice (&stage, "\"reason\": \"fine\"", "");
    check_advice (&stage, "\"reason\": \"slow\", \"throttle_pct\": 3",
                  "policy: throttle 3% (was 0%): slow\n");
    check_advice (&stage, "\"reason\": \"link\", \"bandwidth_bytes_per_s\": 0",
                  "policy: bandwidth unlimited: link\n");
    stage_close (&stage);
}

static void
test_refusal_is_told (void)
{
    g_autofree char *drawn = NULL;
    Stage stage;

    stage_open (&stage, (DisplayOptions){ .utf8 = TRUE });
    feed (stage.display, "{\"type\": \"applied\", \"parameters\": {\"downtime-limit\": 500},"
                         " \"answer\": \"ok\"}");
    feed (stage.display, "{\"type\": \"applied\", \"parameters\": {\"downtime-limit\": 500},"
                         " \"answer\": \"Parameter 'downtime-limit' is bad\"}");
    drawn = stage_take (&stage);
    g_assert_cmpstr (
        drawn, ==,
        "qmpmig: QEMU refused downtime-limit 500 ms: Parameter 'downtime-limit' is bad\n");
    stage_close (&stage);
}

/* --- the plan -------------------------------------------------------------------------------- */

#define PLAN(dry_run)                                                                              \
    "{\"type\": \"plan\", \"dry_run\": " dry_run ", \"postcopy\": \"never\","                      \
    " \"warnings\": [\"no\\nnews\"], \"capabilities\": ["                                          \
    "{\"end\": \"source\", \"name\": \"events\", \"value\": true, \"before\": false,"              \
    " \"reason\": \"QEMU tells\"},"                                                                \
    "{\"end\": \"source\", \"name\": \"xbzrle\", \"value\": false, \"before\": false,"             \
    " \"reason\": \"not needed\"},"                                                                \
    "{\"end\": \"destination\", \"name\": \"events\", \"value\": true, \"before\": true,"          \
    " \"reason\": \"QEMU tells\"}],"                                                               \
    " \"parameters\": [{\"end\": \"source\", \"name\": \"max-bandwidth\", \"value\": 0,"           \
    " \"before\": 134217728, \"reason\": \"no limit was asked for\"}]}"

#define HEADER                                                                                     \
    "{\"type\": \"header\", \"role\": \"migrate\", \"vm\": {\"name\": \"web1\"},"                  \
    " \"ram_bytes\": 1073741824, \"uri\": \"tcp:b:4444\", \"ends\": {"                             \
    "\"source\": {\"observed\": true, \"version\": \"9.2.0\", \"machine\": \"pc\","                \
    " \"address\": \"unix:/a\"}, \"destination\": {\"observed\": false}}}"

static char *
draw_plan (const char *plan)
{
    Stage stage;
    char *drawn;

    stage_open (&stage, (DisplayOptions){ .utf8 = TRUE });
    feed (stage.display, HEADER);
    feed (stage.display, plan);
    drawn = stage_take (&stage);
    stage_close (&stage);
    return drawn;
}

static void
test_plan (void)
{
    g_autofree char *drawn = draw_plan (PLAN ("false"));

    g_assert_cmpstr (drawn, ==,
                     "Moving web1 (1 GiB) from QEMU 9.2.0 to tcp:b:4444; destination not "
                     "observed\n"
                     "  bandwidth     unlimited instead of 128 MiB/s\n"
                     "  capabilities  events\n"
                     "warning: no news\n");
}

static void
test_dry_run (void)
{
    g_autofree char *drawn = draw_plan (PLAN ("true"));

    g_assert_cmpstr (drawn, ==,
                     "Would move web1 (1 GiB) from QEMU 9.2.0 to tcp:b:4444; destination not "
                     "observed\n"
                     "\n"
                     "source: QEMU 9.2.0, pc, unix:/a\n"
                     "  capability  value  was  why\n"
                     "  events      on     off  QEMU tells\n"
                     "  stays off: xbzrle\n"
                     "  parameter      value      was        why\n"
                     "  max-bandwidth  unlimited  128 MiB/s  no limit was asked for\n"
                     "\n"
                     "destination: not observed\n"
                     "  capability  value  was  why\n"
                     "  events      on          QEMU tells\n"
                     "\n"
                     "warning: no news\n");
}

/* --- text from elsewhere --------------------------------------------------------------------- */

/* Every string of LINE, at any depth, becomes one that tries to take over the terminal. */
static json_object *
poisoned (json_object *value)
{
    if (json_object_is_type (value, json_type_string))
        return json_object_new_string ("\033[31mred\033]0;t\007\n\r\xc2\x9b\u202e");
    if (json_object_is_type (value, json_type_array)) {
        json_object *copy = json_object_new_array ();

        for (size_t i = 0; i < json_object_array_length (value); i++)
            json_object_array_add (copy, poisoned (json_object_array_get_idx (value, i)));
        return copy;
    }
    if (json_object_is_type (value, json_type_object)) {
        json_object *copy = json_object_new_object ();

        json_object_object_foreach (value, key, member)
            json_object_object_add (copy, key, poisoned (member));
        return copy;
    }
    return json_object_get (value);
}

static void
feed_poisoned (Display *display, json_object *line)
{
    static const char *const kept[] = { "type",  "phase",         "role",  "outcome",
                                        "level", "guest_runs_on", "action" };
    g_autoptr (json_object) copy = poisoned (line);

    for (guint i = 0; i < G_N_ELEMENTS (kept); i++)
        if (qmp_peek (line, kept[i]))
            json_object_object_add (copy, kept[i], json_object_get (qmp_peek (line, kept[i])));
    display_line (display, copy);
}

static void
test_nothing_escapes (void)
{
    for (guint e = 0; e < EXAMPLES; e++) {
        g_autoptr (GPtrArray) lines = example_read (example_names[e]);
        g_autofree char *drawn = NULL;
        Stage stage;

        stage_open (&stage, (DisplayOptions){ .utf8 = TRUE, .verbose = TRUE });
        for (guint i = 0; i < lines->len; i++)
            feed_poisoned (stage.display, lines->pdata[i]);
        drawn = stage_take (&stage);
        g_assert_nonnull (strstr (drawn, "\\x1b[31mred"));
        for (const char *p = drawn; *p; p = g_utf8_next_char (p))
            g_assert_true (*p == '\n' || !g_unichar_iscntrl (g_utf8_get_char (p)));
        g_assert_null (strstr (drawn, "\u202e"));
        stage_close (&stage);
    }
}

static void
test_live_name_is_clean (void)
{
    g_autofree char *drawn = NULL;
    Stage stage;

    stage_open (&stage, (DisplayOptions){ .live = TRUE, .utf8 = TRUE, .columns = 120 });
    feed_named_header (stage.display, "\033[2Jx");
    feed_sample (stage.display, 0, "\"phase\": \"pre-copy\"");
    drawn = stage_take (&stage);
    g_assert_cmpstr (drawn, ==,
                     "Moving \\x1b[2Jx; destination not observed\n\r\\x1b[2Jx  pre-copy" ERASE);
    stage_close (&stage);
}

/* Each member of each line of another type in turn, or gone: nothing to see but no crash either. */
static void
test_malformed (void)
{
    static const char *const odd[] = { "null", "[]", "{}", "\"\"", "-1", "1e300", "[null, 1, {}]" };
    Stage stage;

    stage_open (&stage, (DisplayOptions){ .live = TRUE, .verbose = TRUE, .columns = 80 });
    for (guint e = 0; e < EXAMPLES; e++) {
        g_autoptr (GPtrArray) lines = example_read (example_names[e]);

        for (guint i = 0; i < lines->len; i++) {
            json_object_object_foreach (lines->pdata[i], key, value) {
                g_autoptr (json_object) copy = NULL;

                (void)value;
                if (!strcmp (key, "type"))
                    continue;
                json_object_deep_copy (lines->pdata[i], &copy, NULL);
                json_object_object_add (copy, key,
                                        json_tokener_parse (odd[i % G_N_ELEMENTS (odd)]));
                display_line (stage.display, copy);
                json_object_object_del (copy, key);
                display_line (stage.display, copy);
            }
        }
    }
    feed (stage.display, "{}");
    feed (stage.display, "{\"type\": \"of-later\"}");
    stage_close (&stage);
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
    check_add ("/display/bar-never-runs-backwards", test_never_backwards);
    check_add ("/display/ten-redraws-a-second", test_redraws);
    check_add ("/display/notice-makes-room", test_notice_makes_room);
    check_add ("/display/result-ends-live-line", test_result_ends_live_line);
    check_add ("/display/plain-cadence", test_plain_cadence);
    check_add ("/display/advice-is-told-when-news", test_advice_is_news);
    check_add ("/display/verbose-advice", test_verbose_advice);
    check_add ("/display/refusal-is-told", test_refusal_is_told);
    check_add ("/display/plan", test_plan);
    check_add ("/display/dry-run", test_dry_run);
    check_add ("/display/nothing-escapes", test_nothing_escapes);
    check_add ("/display/live-name-is-clean", test_live_name_is_clean);
    check_add ("/display/malformed-lines", test_malformed);
    return g_test_run ();
}
