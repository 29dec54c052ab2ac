/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* The pieces of a drawing: text made harmless and measured, the bar, the live line. */
#include <string.h>

#include "agent/display/bar.h"
#include "agent/display/live.h"
#include "agent/display/text.h"
#include "qmp/value.h"
#include "tests/unit/check.h"
#include "tests/unit/example.h"

static const Style plain_style = { .utf8 = TRUE };

/* --- text from elsewhere --------------------------------------------------------------------- */

static void
test_clean (void)
{
    static const struct {
        const char *raw, *utf8, *ascii;
    } table[] = {
        { "web1", "web1", "web1" },
        { "a\nb\tc\rd", "a b c d", "a b c d" },
        { "\033]0;gone\007", "\\x1b]0;gone\\x07", "\\x1b]0;gone\\x07" },
        { "\xc2\x9b"
          "2J",
          "\\x9b2J", "\\x9b2J" },
        { "\u202egnp.exe", "\\u202egnp.exe", "\\u202egnp.exe" },
        { "\u2028\u200b\ufe0f", "\\u2028\\u200b\\ufe0f", "\\u2028\\u200b\\ufe0f" },
        { "caf\u00e9", "caf\u00e9", "caf\\xe9" },
        { "bad\xff", "bad\ufffd", "bad\\ufffd" },
        { "\x7f", "\\x7f", "\\x7f" },
    };

    for (guint i = 0; i < G_N_ELEMENTS (table); i++) {
        g_autofree char *utf8 = text_clean (table[i].raw, TRUE);
        g_autofree char *ascii = text_clean (table[i].raw, FALSE);

        g_assert_cmpstr (utf8, ==, table[i].utf8);
        g_assert_cmpstr (ascii, ==, table[i].ascii);
    }
}

static void
test_clean_is_bounded (void)
{
    g_autofree char *endless = g_strnfill (1 << 20, 'x');
    g_autofree char *clean = text_clean (endless, TRUE);

    g_assert_cmpuint (strlen (clean), <, 10000);
    g_assert_true (g_str_has_suffix (clean, "..."));
}

static void
test_fold (void)
{
    static const Style narrow = { .utf8 = TRUE, .fold = 30 };
    g_autoptr (GString) out = g_string_new ("key: ");

    text_fold (&narrow, out, 5, 5, "one two three four five six sevenseven 数据库服务器 end");
    g_assert_cmpstr (out->str, ==,
                     "key: one two three four five\n     six sevenseven\n"
                     "     数据库服务器 end");
}

static void
test_cut (void)
{
    static const Style ascii = { 0 };
    g_autofree char *whole = text_cut (&plain_style, "数据库", 6);
    g_autofree char *part = text_cut (&plain_style, "数据库", 5);
    g_autofree char *less = text_cut (&plain_style, "数据库", 4);
    g_autofree char *dots = text_cut (&ascii, "database", 6);
    g_autofree char *none = text_cut (&ascii, "database", 2);

    g_assert_cmpstr (whole, ==, "数据库");
    g_assert_cmpstr (part, ==, "数据…");
    g_assert_cmpstr (less, ==, "数…");
    g_assert_cmpstr (dots, ==, "dat...");
    g_assert_cmpstr (none, ==, "");
}

/* --- the bar and the live line --------------------------------------------------------------- */

static void
test_bar (void)
{
    static const Style styles[] = { { .utf8 = TRUE }, { .utf8 = FALSE } };
    g_autofree char *half = bar_text (&styles[1], 0.5, 12);
    g_autofree char *fine = bar_text (&styles[0], 0.3125, 6);

    g_assert_cmpstr (half, ==, "[#####.....]");
    g_assert_cmpstr (fine, ==, "▕█▎  ▏");
    for (guint s = 0; s < G_N_ELEMENTS (styles); s++) {
        for (int width = 3; width < 60; width++) {
            for (double progress = -0.1; progress < 1.2; progress += 0.03) {
                g_autofree char *bar = bar_text (&styles[s], progress, width);

                g_assert_cmpint (text_width (bar), ==, width);
            }
        }
    }
}

static void
check_fits (json_object *sample, const char *name)
{
    static const Style styles[] = { { .utf8 = TRUE }, { .utf8 = FALSE } };

    for (guint s = 0; s < G_N_ELEMENTS (styles); s++) {
        g_autofree char *clean = text_clean (name, styles[s].utf8);

        for (int columns = 2; columns <= 200; columns++) {
            g_autofree char *line = live_text (&styles[s], sample, clean, 0.58, columns);

            g_assert_cmpint (text_width (line), <, columns);
            g_assert_null (strpbrk (line, "\r\n\033"));
            if (columns >= 20)
                g_assert_cmpint (text_width (line), >, 0);
        }
    }
}

static void
test_fits (void)
{
    static const char *const names[] = {
        "web1",
        "a-rather-long-name-of-a-machine-that-nobody-would-type-twice",
        "数据库服务器一号机房备份节点甲乙丙丁",
        "ｗｅｂ１",
        "e\u0301e\u0301e\u0301e\u0301",
        "🖥️🖥️🖥️ 🇩🇪",
        "\033[2J\033[31mred",
    };

    for (guint e = 0; e < EXAMPLES; e++) {
        g_autoptr (GPtrArray) lines = example_read (example_names[e]);

        for (guint i = 0; i < lines->len; i++) {
            const char *type = qmp_peek_string (lines->pdata[i], "type", "");

            if (!strcmp (type, "sample") && (i % 8 == 0 || i + 4 > lines->len))
                check_fits (lines->pdata[i], names[i % G_N_ELEMENTS (names)]);
        }
    }
}

static void
test_odd_phase_fits (void)
{
    g_autoptr (json_object) sample = json_tokener_parse (
        "{\"phase\": \"一个来自更新版本的非常非常长的阶段名称而且没有人见过它\", \"status\": "
        "\"x\"}");

    check_fits (sample, "web1");
}

#define FULL_SAMPLE                                                                                \
    "{\"type\": \"sample\", \"t_us\": 12300000, \"phase\": \"pre-copy\", \"status\": \"active\","  \
    " \"passes\": 2, \"remaining_bytes\": 432013312, \"sent_bytes\": 2480343613,"                  \
    " \"bandwidth_bytes_per_s\": 117440512, \"dirty_bytes_per_s\": 39950745,"                      \
    " \"throttle_pct\": 20, \"throttle_commanded_pct\": 20, \"downtime_if_stopped_us\": 310000,"   \
    " \"expected_downtime_us\": 990000, \"remaining_us\": 33200000, \"verdict\": \"on-course\"}"

static void
check_live (const char *json, double progress, int columns, const char *wanted)
{
    g_autoptr (json_object) sample = json_tokener_parse (json);
    g_autofree char *line = live_text (&plain_style, sample, "web1", progress, columns);

    g_assert_cmpstr (line, ==, wanted);
}

static void
test_live_lines (void)
{
    check_live (FULL_SAMPLE, 0.58, 20, "pre-copy   58%");
    check_live (FULL_SAMPLE, 0.58, 40, "pre-copy  ▕██▉  ▏   58%  ends in 34 s");
    check_live (FULL_SAMPLE, 0.58, 60, "pre-copy  ▕██▉  ▏   58%  left 412 MiB   ends in 34 s");
    check_live (FULL_SAMPLE, 0.58, 80,
                "pre-copy  ▕████   ▏   58%  left 412 MiB   throttle 20%  ends in 34 s");
    check_live (FULL_SAMPLE, 0.58, 120,
                "web1  pre-copy  ▕███████▌     ▏   58%  pass 3  left 412 MiB   "
                "rate 112 MiB/s   throttle 20%  ends in 34 s");
    check_live (FULL_SAMPLE, 0.58, 200,
                "web1  pre-copy  ▕██████████████▍          ▏   58%  pass 3  sent 2.31 GiB  "
                "left 412 MiB   rate 112 MiB/s   dirty 38.1 MiB/s  throttle 20%  "
                "downtime 310 ms   ends in 34 s");
}

static void
test_postcopy_refuses_by_name (void)
{
#define POSTCOPY_SAMPLE                                                                            \
    "{\"phase\": \"postcopy\", \"status\": \"postcopy-active\", \"remaining_bytes\": 1048576,"     \
    " \"postcopy_requests\": 31, \"remaining_us\": 2000000}"
    check_live (POSTCOPY_SAMPLE, 0.9, 60,
                "postcopy  ▕████▌▏   90%  Ctrl-C is refused  ends in 3 s");
    check_live (POSTCOPY_SAMPLE, 0.9, 80,
                "postcopy  ▕██████▎▏   90%  Ctrl-C is refused  left 1 MiB     ends in 3 s");
}

static void
test_phases (void)
{
    check_live ("{\"phase\": \"setup\", \"status\": \"setup\", \"passes\": 0}", -1, 60, "setup");
    check_live ("{\"phase\": \"switchover\", \"status\": \"device\"}", -1, 60,
                "switchover  the guest stands still");
    check_live ("{\"phase\": \"paused\", \"status\": \"postcopy-paused\"}", -1, 60,
                "paused  the guest stands still: qmpmig recover");
    check_live ("{\"phase\": \"pre-copy\", \"status\": \"cancelling\"}", -1, 60, "cancelling");
    check_live ("{\"phase\": \"done\", \"status\": \"failed\"}", -1, 60, "failed");
    check_live ("{\"status\": \"colo\"}", -1, 60, "colo");
    check_live ("{}", -1, 60, "migration");
}

static void
test_stuck_in_words (void)
{
    check_live ("{\"phase\": \"pre-copy\", \"verdict\": \"needs-action\"}", -1, 60,
                "pre-copy  does not converge");
    check_live ("{\"phase\": \"pre-copy\", \"verdict\": \"cannot-within-limits\"}", -1, 60,
                "pre-copy  cannot end within the limits");
}

static void
test_throttle_words (void)
{
#define THROTTLED(now, commanded)                                                                  \
    "{\"phase\": \"pre-copy\", \"throttle_pct\": " #now                                            \
    ", \"throttle_commanded_pct\": " #commanded "}"
    check_live (THROTTLED (0, 0), -1, 60, "pre-copy");
    check_live (THROTTLED (1, 1), -1, 60, "pre-copy");
    check_live (THROTTLED (1, 40), -1, 60, "pre-copy  throttle 1 to 40%");
    check_live (THROTTLED (40, 40), -1, 60, "pre-copy  throttle 40%");
    check_live (THROTTLED (40, 1), -1, 60, "pre-copy  throttle 40 to 1%");
}

static void
test_plain_line (void)
{
    g_autoptr (json_object) sample = json_tokener_parse (FULL_SAMPLE);
    g_autofree char *line = live_plain_text (&plain_style, sample, "web1", 0.58);

    g_assert_cmpstr (line, ==,
                     "web1: 12.3 s: pre-copy 58%, pass 3, sent 2.31 GiB, left 412 MiB, "
                     "rate 112 MiB/s, dirty 38.1 MiB/s, throttle 20%, downtime 310 ms, "
                     "ends in 34 s");
}

int
main (int argc, char **argv)
{
    g_test_init (&argc, &argv, NULL);
    check_add ("/display-text/bar-has-its-width", test_bar);
    check_add ("/display-text/live-line-fits", test_fits);
    check_add ("/display-text/odd-phase-fits", test_odd_phase_fits);
    check_add ("/display-text/live-lines", test_live_lines);
    check_add ("/display-text/postcopy-refuses-by-name", test_postcopy_refuses_by_name);
    check_add ("/display-text/phases-in-words", test_phases);
    check_add ("/display-text/stuck-in-words", test_stuck_in_words);
    check_add ("/display-text/throttle-in-words", test_throttle_words);
    check_add ("/display-text/plain-line", test_plain_line);
    check_add ("/display-text/text-is-cleaned", test_clean);
    check_add ("/display-text/text-is-bounded", test_clean_is_bounded);
    check_add ("/display-text/fold", test_fold);
    check_add ("/display-text/cut", test_cut);
    return g_test_run ();
}
