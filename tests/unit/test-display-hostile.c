/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Lines whose texts come from elsewhere, and lines that are none. */
#include <string.h>

#include "qmp/value.h"
#include "tests/unit/check.h"
#include "tests/unit/example.h"
#include "tests/unit/stage.h"

static void
feed_named_header (Display *display, const char *name)
{
    g_autoptr (json_object) line =
        qmp_object ("type", json_object_new_string ("header"), "t_us", json_object_new_int (0),
                    "vm", qmp_object ("name", json_object_new_string (name), NULL), NULL);

    display_line (display, line);
}

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
    stage_feed_sample (&stage, 0, "\"phase\": \"pre-copy\"");
    drawn = stage_take (&stage);
    g_assert_cmpstr (
        drawn, ==, "Moving \\x1b[2Jx; destination not observed\n\r\\x1b[2Jx  pre-copy" STAGE_ERASE);
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
    stage_feed (&stage, "{}");
    stage_feed (&stage, "{\"type\": \"of-later\"}");
    stage_close (&stage);
}

int
main (int argc, char **argv)
{
    g_test_init (&argc, &argv, NULL);
    check_add ("/display-hostile/nothing-escapes", test_nothing_escapes);
    check_add ("/display-hostile/live-name-is-clean", test_live_name_is_clean);
    check_add ("/display-hostile/malformed-lines", test_malformed);
    return g_test_run ();
}
