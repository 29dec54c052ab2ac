/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Policies that behave, and one for each way of not behaving (tests/abi/plugins). */
#include "agent/steering/policy.h"

#include <errno.h>
#include <glib/gstdio.h>
#include <signal.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "agent/exit-code.h"
#include "agent/steering/policy-internal.h"
#include "agent/steering/policy-keys.h"
#include "agent/steering/policy-place.h"
#include "tests/unit/check.h"

static struct qmpmig_context
a_context (const char *vm_name)
{
    struct qmpmig_context context = { .vcpus = 2, .kind = QMPMIG_KIND_OWN };

    g_strlcpy (context.vm_name, vm_name, sizeof context.vm_name);
    return context;
}

static Policy *
must_load (const char *name)
{
    struct qmpmig_context context = a_context ("web1");
    g_autoptr (GError) error = NULL;
    Policy *policy = policy_load (name, &context, &error);

    g_assert_no_error (error);
    g_assert_nonnull (policy);
    return policy;
}

static void
check_policy_error (GError **error, ExitCode code, const char *words)
{
    g_assert_error (*error, POLICY_ERROR, (int)code);
    check_words ((*error)->message, words);
    g_clear_error (error);
}

static void
check_refused (const char *name, const char *words)
{
    struct qmpmig_context context = a_context ("web1");
    g_autoptr (GError) error = NULL;

    g_assert_null (policy_load (name, &context, &error));
    check_policy_error (&error, EXIT_USAGE, words);
}

static PolicyAnswer
ask (Policy *policy, guint64 sequence, struct qmpmig_advice *advice)
{
    struct qmpmig_sample sample;

    policy_default_sample (&sample);
    sample.sequence = sequence;
    return policy_decide (policy, &sample, advice, NULL);
}

/* --- loading --------------------------------------------------------------------------------- */

static void
test_refused (void)
{
    check_refused ("other-abi", "policy other-abi: */other-abi.so is built for plugin ABI 2, this "
                                "qmpmig has ABI 1");
    check_refused ("too-small", "policy too-small: *16 bytes, which none of ABI 1 has");
    check_refused ("no-symbol", "policy no-symbol: * has no symbol qmpmig_plugin");
    check_refused ("wrong-name", "policy wrong-name: * calls itself 'right-name'");
    check_refused ("no-decide", "policy no-decide: * lacks one of *decide");
}

static void
test_names (void)
{
    check_refused ("ecko", "no policy 'ecko' in /*; did you mean 'echo'?");
    check_refused ("quite-different", "no policy 'quite-different' in /*; there is: bare, chatty*");
    check_refused ("../echo", "policy '../echo' is neither a name*nor an absolute path");
    check_refused ("abi/echo", "policy 'abi/echo' is neither a name*nor an absolute path");
    check_refused ("./echo.so", "*nor an absolute path");
    check_refused ("Echo", "*nor an absolute path");
    check_refused ("", "*nor an absolute path");
    check_refused ("/tmp/echo", "policy /tmp/echo: the file is not called NAME.so*");
    check_refused ("/tmp/Echo.so", "*is not called NAME.so*");
    check_refused ("/nowhere/echo.so", "policy echo is not loaded: /nowhere/echo.so: No such*");
}

static void
test_place (void)
{
    const char *dir = g_getenv ("QMPMIG_PLUGIN_DIR");
    g_autofree char *kept = g_strdup (dir);
    g_autofree char *path = g_build_filename (dir, "echo.so", NULL);
    g_auto (GStrv) names = policy_place_names (NULL);

    g_assert_true (g_strv_contains ((const char *const *)names, "other-abi"));
    policy_free (must_load (path));
    g_setenv ("QMPMIG_PLUGIN_DIR", "tests/abi", TRUE);
    check_refused ("echo", "QMPMIG_PLUGIN_DIR: tests/abi is not an absolute path");
    g_setenv ("QMPMIG_PLUGIN_DIR", "/nowhere", TRUE);
    check_refused ("echo", "no policy 'echo' in /nowhere; there is: exec");
    g_setenv ("QMPMIG_PLUGIN_DIR", kept, TRUE);
}

/* --- whose file ------------------------------------------------------------------------------ */

typedef struct {
    char *top, *dir, *file;
} Copy;

/* echo.so in a folder of ours below one of ours. */
static Copy
copy_new (void)
{
    Copy copy = { .top = g_dir_make_tmp ("policy-XXXXXX", NULL) };
    g_autofree char *from = g_build_filename (g_getenv ("QMPMIG_PLUGIN_DIR"), "echo.so", NULL);
    g_autofree char *bytes = NULL;
    gsize length;

    g_assert_nonnull (copy.top);
    copy.dir = g_build_filename (copy.top, "plugins", NULL);
    copy.file = g_build_filename (copy.dir, "echo.so", NULL);
    g_assert_cmpint (g_mkdir (copy.dir, 0755), ==, 0);
    g_assert_true (g_file_get_contents (from, &bytes, &length, NULL));
    g_assert_true (g_file_set_contents_full (copy.file, bytes, (gssize)length,
                                             G_FILE_SET_CONTENTS_NONE, 0644, NULL));
    return copy;
}

static void
copy_free (Copy *copy)
{
    g_assert_cmpint (g_remove (copy->file), ==, 0);
    g_assert_cmpint (g_remove (copy->dir), ==, 0);
    g_assert_cmpint (g_remove (copy->top), ==, 0);
    g_free (copy->file);
    g_free (copy->dir);
    g_free (copy->top);
}

static void
test_writable (void)
{
    Copy copy = copy_new ();

    policy_free (must_load (copy.file));
    g_chmod (copy.file, 0664);
    check_refused (copy.file, "policy echo is not loaded: */plugins/echo.so may be written by "
                              "others (mode 0664): chmod go-w it");
    g_chmod (copy.file, 0646);
    check_refused (copy.file, "*echo.so may be written by others (mode 0646)*");
    g_chmod (copy.file, 0644);
    g_chmod (copy.dir, 0775);
    check_refused (copy.file, "*/plugins may be written by others (mode 0775)*");
    g_chmod (copy.dir, 01777);
    check_refused (copy.file, "*/plugins may be written by others (mode 1777)*");
    g_chmod (copy.dir, 0755);
    g_chmod (copy.top, 0777);
    check_refused (copy.file, "*policy-?????? may be written by others (mode 0777)*");
    g_chmod (copy.top, 01777); /* as /tmp: what is in it is its owner's */
    policy_free (must_load (copy.file));
    copy_free (&copy);
}

static void
test_owner (void)
{
    Copy copy = copy_new ();

    if (geteuid () != 0) {
        copy_free (&copy);
        g_test_skip ("only root can give a file away");
        return;
    }
    g_assert_cmpint (chown (copy.file, 4711, 0), ==, 0);
    check_refused (copy.file, "*/echo.so belongs to uid 4711, neither to root nor to us (uid 0)");
    g_assert_cmpint (chown (copy.file, 0, 0), ==, 0);
    g_assert_cmpint (chown (copy.top, 4711, 0), ==, 0);
    check_refused (copy.file, "*/policy-?????? belongs to uid 4711*");
    g_assert_cmpint (chown (copy.top, 0, 0), ==, 0);
    policy_free (must_load (copy.file));
    copy_free (&copy);
}

/* A link is followed once, and what it leads to is what counts. */
static void
test_link (void)
{
    Copy copy = copy_new ();
    g_autofree char *link = g_build_filename (copy.top, "echo.so", NULL);

    g_assert_cmpint (symlink (copy.file, link), ==, 0);
    policy_free (must_load (link));
    g_chmod (copy.dir, 0777);
    check_refused (link, "*/plugins may be written by others*");
    g_assert_cmpint (g_remove (link), ==, 0);
    g_assert_cmpint (g_mkdir (link, 0755), ==, 0);
    check_refused (link, "*/echo.so is not a file");
    g_assert_cmpint (g_remove (link), ==, 0);
    copy_free (&copy);
}

/* --- one that behaves ------------------------------------------------------------------------ */

static void
test_config (void)
{
    static const char *const values[][2] = { { "pct", "80%" },      { "time", "300 ms" },
                                             { "size", "64MiB" },   { "rate", "unlimited" },
                                             { "number", "12345" }, { "switch", "off" } };
    g_autoptr (Policy) policy = must_load ("echo");
    g_autoptr (GError) error = NULL;
    struct qmpmig_advice advice;

    for (guint i = 0; i < G_N_ELEMENTS (values); i++)
        g_assert_true (policy_configure (policy, values[i][0], values[i][1], &error));
    g_assert_true (policy_complete (policy, &error));
    g_assert_cmpint (ask (policy, 42, &advice), ==, POLICY_ADVISED);
    /* The dirty limit has its bit, but no value. */
    g_assert_cmpuint (advice.set, ==,
                      QMPMIG_SET_THROTTLE | QMPMIG_SET_DOWNTIME | QMPMIG_SET_BANDWIDTH |
                          QMPMIG_SET_XBZRLE_CACHE);
    g_assert_cmpuint (advice.throttle_pct, ==, 80);
    g_assert_cmpuint (advice.downtime_limit_us, ==, 300000);
    g_assert_cmpuint (advice.bandwidth_bytes_per_s, ==, 0);
    g_assert_cmpuint (advice.xbzrle_cache_bytes, ==, 64 << 20);
    g_assert_cmpuint (advice.reason_code, ==, 12345);
    g_assert_cmpuint (advice.ask_again_us, ==, QMPMIG_UNKNOWN);
    g_assert_cmpstr (advice.reason, ==, "sample 42");
    g_assert_cmpint (ask (policy, QMPMIG_UNKNOWN, &advice), ==, POLICY_SILENT);
}

static void
test_config_errors (void)
{
    static const char *const bad[][3] = {
        { "pct", "101", "policy echo: pct: 101 is out of range: 0 to 100" },
        { "time", "5", "policy echo: time: 5 has no unit: write 5ms or 5s" },
        { "size", "5M", "policy echo: size: 5M is ambiguous*" },
        { "rate", "0B/s", "policy echo: rate: 0B/s would never end; write unlimited*" },
        { "number", "18446744073709551615", "policy echo: number: * is out of range*" },
        { "switch", "maybe", "policy echo: switch: 'maybe' is neither on nor off" },
        { "nunber", "1", "policy echo: unknown key 'nunber'; did you mean 'number'?" },
        { "colour", "red", "policy echo: unknown key 'colour'; 'qmpmig policies echo' lists them" },
        { "no key at all", "1", "policy echo: unknown key 'no key at all'*" },
    };
    g_autoptr (Policy) policy = must_load ("echo");
    g_autoptr (Policy) bare = must_load ("bare");
    g_autoptr (GError) error = NULL;

    for (guint i = 0; i < G_N_ELEMENTS (bad); i++) {
        g_assert_false (policy_configure (policy, bad[i][0], bad[i][1], &error));
        check_policy_error (&error, EXIT_USAGE, bad[i][2]);
    }
    g_assert_true (policy_configure (policy, "number", "13", &error));
    g_assert_false (policy_complete (policy, &error));
    check_policy_error (&error, EXIT_USAGE, "policy echo: 13 does not go with the rest");
    g_assert_false (policy_configure (bare, "x", "1", &error));
    check_policy_error (&error, EXIT_USAGE, "policy bare: unknown key 'x': it takes none");
    g_assert_true (policy_complete (bare, &error));
}

static void
test_open_refuses (void)
{
    struct qmpmig_context context = a_context ("unwanted");
    g_autoptr (GError) error = NULL;

    g_assert_null (policy_load ("echo", &context, &error));
    check_policy_error (&error, EXIT_REFUSED, "policy echo: this VM is unwanted");
}

static void
test_plan (void)
{
    g_autoptr (Policy) policy = must_load ("echo");
    g_autoptr (Policy) bare = must_load ("bare");
    g_autoptr (GError) error = NULL;
    struct qmpmig_facts facts;
    struct qmpmig_plan plan;

    policy_default_facts (&facts);
    facts.limits.max_downtime_us = 300000;
    g_assert_true (policy_plan (policy, &facts, &plan, &error));
    g_assert_cmpuint (plan.set, ==, QMPMIG_PLAN_DOWNTIME); /* what has no value is not set */
    g_assert_cmpuint (plan.downtime_limit_us, ==, 300000);
    g_assert_cmpstr (plan.reason, ==, "as the operator says");
    g_assert_true (policy_configure (policy, "switch", "on", &error));
    g_assert_false (policy_plan (policy, &facts, &plan, &error));
    check_policy_error (&error, EXIT_REFUSED, "policy echo: plan() failed and does not say why");
    g_assert_true (policy_plan (bare, &facts, &plan, &error));
    g_assert_cmpuint (plan.set, ==, 0);
}

static void
test_newer (void)
{
    g_autoptr (Policy) policy = must_load ("newer");
    struct qmpmig_advice advice;

    g_assert_cmpint (ask (policy, 1, &advice), ==, POLICY_ADVISED);
    g_assert_cmpstr (advice.reason, ==, "an older qmpmig");
    g_assert_cmpstr (policy_version (policy), ==, "9");
}

static void
test_keys (void)
{
    g_autoptr (GPtrArray) keys = policy_keys_parse (
        "first=30ms  the limit at the start\n\nrate=  how fast\nloose words\n=3  no name\nbare=");
    static const char *const expected[][3] = { { "first", "30ms", "the limit at the start" },
                                               { "rate", "", "how fast" },
                                               { "bare", "", "" } };

    g_assert_cmpuint (keys->len, ==, G_N_ELEMENTS (expected));
    for (guint i = 0; i < keys->len; i++) {
        const PolicyKey *key = g_ptr_array_index (keys, i);

        g_assert_cmpstr (key->key, ==, expected[i][0]);
        g_assert_cmpstr (key->fallback, ==, expected[i][1]);
        g_assert_cmpstr (key->text, ==, expected[i][2]);
    }
}

/* --- log ------------------------------------------------------------------------------------- */

static void
test_log (void)
{
    g_autoptr (Policy) policy = must_load ("echo");
    g_autoptr (Policy) chatty = must_load ("chatty");
    g_autofree char *line = policy_take_log (policy);
    struct qmpmig_advice advice;
    guint count = 0;

    g_assert_cmpstr (line, ==, "web1");
    g_assert_null (policy_take_log (policy));
    g_assert_cmpint (ask (chatty, 1, &advice), ==, POLICY_SILENT);
    for (char *next; (next = policy_take_log (chatty)); count++) {
        g_free (line);
        line = next;
    }
    g_assert_cmpuint (count, ==, 101);
    g_assert_cmpstr (line, ==, "900 more lines, not kept");
}

/* --- those that do not ----------------------------------------------------------------------- */

static void
test_failing (void)
{
    g_autoptr (Policy) policy = must_load ("failing");
    struct qmpmig_sample sample;
    struct qmpmig_advice advice;
    g_autofree char *first = NULL;
    g_autofree char *second = NULL;

    policy_default_sample (&sample);
    g_assert_cmpint (policy_decide (policy, &sample, &advice, &first), ==, POLICY_FAILED);
    g_assert_cmpstr (first, ==, "policy failing: cannot think ?[31m today");
    g_assert_cmpuint (advice.set, ==, 0);
    g_assert_cmpint (policy_decide (policy, &sample, &advice, &second), ==, POLICY_FAILED);
    g_assert_cmpstr (second, ==, "policy failing: decide() failed and does not say why");
}

static void
test_nonsense (void)
{
    g_autoptr (Policy) policy = must_load ("nonsense");
    struct qmpmig_advice advice;

    g_assert_cmpint (ask (policy, 1, &advice), ==, POLICY_ADVISED);
    g_assert_cmpuint (advice.size, ==, sizeof advice);
    g_assert_cmpuint (advice.set, ==, 0x7f & ~QMPMIG_SET_BANDWIDTH);
    g_assert_cmpuint (advice.action, ==, QMPMIG_ACTION_NONE);
    g_assert_cmpuint (advice.verdict, ==, QMPMIG_VERDICT_UNKNOWN);
    g_assert_cmpuint (advice.needs, ==, 0x1f);
    g_assert_cmpuint (advice.throttle_pct, ==, 100);
    g_assert_cmpuint (advice.needed_throttle_pct, ==, QMPMIG_UNKNOWN);
    g_assert_cmpstr (advice.reason, ==, "\xef\xbf\xbd\xef\xbf\xbd?]0;title? line");
    g_assert_cmpint (ask (policy, 2, &advice), ==, POLICY_ADVISED);
    g_assert_cmpuint (strlen (advice.reason), ==, 255);
    g_assert_true (g_utf8_validate (advice.reason, -1, NULL));
    g_assert_true (g_str_has_suffix (advice.reason, "\xe2\x82\xac"));
}

/* Of whatever bytes: valid, on one line, ended, and cut at a character. */
static void
test_any_reason (void)
{
    for (guint turn = 0; turn < 5000; turn++) {
        struct qmpmig_advice advice;

        policy_default_advice (&advice);
        for (gsize i = 0; i < sizeof advice.reason; i++)
            advice.reason[i] = (char)(turn % 2 ? 0xc0 + g_test_rand_int_range (0, 64)
                                               : g_test_rand_int_range (1, 256));
        policy_sanitise_advice (&advice);
        g_assert_cmpuint (strnlen (advice.reason, sizeof advice.reason), <, sizeof advice.reason);
        g_assert_true (g_utf8_validate (advice.reason, -1, NULL));
        for (const char *at = advice.reason; *at; at = g_utf8_next_char (at))
            g_assert_false (g_unichar_iscntrl (g_utf8_get_char (at)));
    }
}

static void
test_slow (void)
{
    g_autoptr (Policy) policy = must_load ("slow");
    struct qmpmig_advice advice;
    gint64 before = g_get_monotonic_time ();

    g_assert_cmpint (ask (policy, 7, &advice), ==, POLICY_PENDING);
    g_assert_cmpint (g_get_monotonic_time () - before, >=, POLICY_PATIENCE_US);
    before = g_get_monotonic_time ();
    g_assert_cmpint (ask (policy, 8, &advice), ==, POLICY_PENDING);
    g_assert_cmpint (g_get_monotonic_time () - before, <, POLICY_PATIENCE_US / 2);
    g_usleep (300000);
    g_assert_cmpint (ask (policy, 9, &advice), ==, POLICY_ADVISED);
    g_assert_cmpuint (advice.throttle_pct, ==, 7); /* the answer to what it was asked */
    g_assert_cmpint (ask (policy, 10, &advice), ==, POLICY_PENDING);
}

static void
test_hanging (void)
{
    Policy *policy = must_load ("hanging");
    struct qmpmig_sample sample;
    struct qmpmig_advice advice;
    g_autofree char *text = NULL;

    policy_default_sample (&sample);
    g_assert_cmpint (ask (policy, 1, &advice), ==, POLICY_PENDING);
    g_usleep (700000);
    g_assert_cmpint (ask (policy, 2, &advice), ==, POLICY_PENDING);
    g_usleep (250000);
    g_assert_cmpint (policy_decide (policy, &sample, &advice, &text), ==, POLICY_ABANDONED);
    g_assert_cmpstr (text, ==, "policy hanging: no answer within 1 s; it will not be asked again");
    g_usleep (1200000); /* it has woken up by now */
    g_assert_cmpint (ask (policy, 3, &advice), ==, POLICY_ABANDONED);
    g_assert_cmpuint (advice.action, ==, QMPMIG_ACTION_NONE);
    policy_free (policy);
}

/* Without waiting longer than to the second at which it would be abandoned. */
static void
test_free_while_hanging (void)
{
    Policy *policy = must_load ("hanging");
    struct qmpmig_advice advice;
    gint64 before = g_get_monotonic_time ();

    g_assert_cmpint (ask (policy, 1, &advice), ==, POLICY_PENDING);
    policy_free (policy);
    g_assert_cmpint (g_get_monotonic_time () - before, <, 1500000);
    g_usleep (1500000); /* it wakes up, and finds all that it had */
}

/* As the manual says: the process goes with it. */
static void
test_crashing (void)
{
    if (g_test_subprocess ()) {
        struct qmpmig_advice advice;

        ask (must_load ("crashing"), 1, &advice);
        return;
    }
    g_test_trap_subprocess (NULL, 0, G_TEST_SUBPROCESS_DEFAULT);
    g_assert_false (g_test_trap_has_passed ());
}

/* Beside a query-migrate, which takes QEMU about a millisecond. */
static void
test_cheap (void)
{
    g_autoptr (Policy) policy = must_load ("bare");
    struct qmpmig_advice advice;
    gint64 before = g_get_monotonic_time ();

    for (guint i = 0; i < 2000; i++)
        g_assert_cmpint (ask (policy, i, &advice), ==, POLICY_SILENT);
    g_test_message ("%.1f us each", (double)(g_get_monotonic_time () - before) / 2000);
    g_assert_cmpint (g_get_monotonic_time () - before, <, 2000 * 2000);
}

int
main (int argc, char **argv)
{
    g_test_init (&argc, &argv, NULL);
    g_setenv ("QMPMIG_PLUGIN_DIR", ABI_PLUGIN_DIR, TRUE);
    check_add ("/policy/what-is-no-plugin-of-this-abi-is-refused-with-its-reason", test_refused);
    check_add ("/policy/a-name-or-an-absolute-path-and-nothing-else", test_names);
    check_add ("/policy/the-folder-can-be-set", test_place);
    check_add ("/policy/a-file-that-others-can-write-is-refused", test_writable);
    check_add ("/policy/a-file-of-another-user-is-refused", test_owner);
    check_add ("/policy/a-link-is-judged-by-what-it-leads-to", test_link);
    check_add ("/policy/options-arrive-with-their-units", test_config);
    check_add ("/policy/what-a-plugin-says-is-the-error", test_config_errors);
    check_add ("/policy/a-line-of-help-is-a-key-its-default-and-its-meaning", test_keys);
    check_add ("/policy/open-can-refuse-a-vm", test_open_refuses);
    check_add ("/policy/a-plan-is-sanitised", test_plan);
    check_add ("/policy/a-plugin-of-a-later-qmpmig-works", test_newer);
    check_add ("/policy/log-lines-are-kept-up-to-a-bound", test_log);
    check_add ("/policy/one-that-fails-can-be-asked-again", test_failing);
    check_add ("/policy/nonsense-is-made-harmless", test_nonsense);
    check_add ("/policy/any-bytes-become-a-line-of-words", test_any_reason);
    check_add ("/policy/a-late-answer-is-collected", test_slow);
    check_add ("/policy/one-that-hangs-is-abandoned", test_hanging);
    check_add ("/policy/one-that-hangs-can-be-freed", test_free_while_hanging);
    check_add ("/policy/a-crash-takes-the-process", test_crashing);
    check_add ("/policy/an-answer-is-cheap", test_cheap);
    return g_test_run ();
}
