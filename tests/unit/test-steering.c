/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Samples, true passes and the built-in rule, by replayed numbers. */
#include "agent/steering/rule.h"
#include "qmp/value.h"
#include "tests/unit/check.h"

#define MIB  ((guint64)1024 * 1024)
#define PAGE ((guint64)4096)

static const Limits limits = { .max_downtime_us = 500000,
                               .max_stall_us = 500000,
                               .max_throttle_pct = 98 };

/* A migration as QEMU would count it: pages sent, what remains, syncs. */
typedef struct {
    Tracker tracker;
    Sample sample;
    guint64 now_us;
} Run;

static void
run_init (Run *run, guint64 total)
{
    *run = (Run){ 0 };
    tracker_init (&run->tracker);
    sample_init (&run->sample);
    run->sample.total_bytes = run->sample.remaining_bytes = total;
    run->sample.page_size_bytes = PAGE;
    run->sample.normal_pages = run->sample.zero_pages = 0;
    run->sample.sent_bytes = 0;
    run->sample.syncs = 1;
    run->sample.bandwidth_bytes_per_s = 100 * MIB;
}

static gboolean
run_step (Run *run, guint64 sent, guint64 remaining)
{
    run->now_us += 100000;
    run->sample.normal_pages += sent / PAGE;
    run->sample.sent_bytes += sent;
    run->sample.remaining_bytes = remaining;
    return tracker_take (&run->tracker, &run->sample, &limits, run->now_us);
}

static void
test_pass_by_bytes (void)
{
    Run run;

    run_init (&run, 100 * MIB);
    g_assert_false (run_step (&run, 60 * MIB, 40 * MIB));
    g_assert_true (run_step (&run, 40 * MIB, 20 * MIB)); /* a sync brought 20 MiB */
    g_assert_false (run_step (&run, 10 * MIB, 10 * MIB));
    g_assert_true (run_step (&run, 10 * MIB, 5 * MIB));
    g_assert_cmpuint (run.tracker.passes, ==, 2);
}

/* QEMU 11 with postcopy-ram armed counts a dozen syncs a second. */
static void
test_syncs_are_no_passes (void)
{
    Run run;

    run_init (&run, 100 * MIB);
    for (guint i = 0; i < 9; i++) {
        run.sample.syncs += 10;
        g_assert_false (run_step (&run, 10 * MIB, (90 - 10 * i) * MIB));
    }
    g_assert_cmpuint (run.tracker.passes, ==, 0);
}

/* xbzrle finds pages unchanged: they are not counted, but `remaining` falls. */
static void
test_pass_without_bytes (void)
{
    Run run;

    run_init (&run, 100 * MIB);
    run_step (&run, 100 * MIB, 50 * MIB);
    g_assert_false (run_step (&run, 0, 10 * MIB));
    g_assert_true (run_step (&run, 0, 0));
}

static void
test_progress_never_falls (void)
{
    Run run;
    double last = 0;

    run_init (&run, 100 * MIB);
    for (guint i = 0; i < 40; i++) {
        run_step (&run, 10 * MIB, i < 9 ? (90 - 10 * i) * MIB : (i % 7) * 8 * MIB);
        g_assert_cmpfloat (run.sample.progress, >=, last);
        last = run.sample.progress;
    }
}

static void
test_throttle_integral (void)
{
    Run run;

    run_init (&run, 100 * MIB);
    run_step (&run, MIB, 99 * MIB);
    run.sample.throttle_pct = 50;
    for (guint i = 0; i < 10; i++)
        run_step (&run, MIB, 98 * MIB);
    g_assert_cmpuint (run.tracker.throttle_integral_us, ==, 500000);
}

/* A pass after which just as much remains. */
static gboolean
stalled_pass (Run *run, Rule *rule, Advice *advice)
{
    gboolean ended = run_step (run, 50 * MIB, 50 * MIB);

    return rule_decide (rule, &run->tracker, &limits, ended, advice);
}

static void
start_stalling (Run *run, Rule *rule, Advice *advice)
{
    run_init (run, 100 * MIB);
    g_assert_true (run_step (run, 100 * MIB, 50 * MIB));
    g_assert_false (rule_decide (rule, &run->tracker, &limits, TRUE, advice));
}

static void
test_mildest_first (void)
{
    Rule rule = { .postcopy = POSTCOPY_FALLBACK, .steers_throttle = TRUE };
    Advice advice;
    Run run;

    start_stalling (&run, &rule, &advice);
    g_assert_true (stalled_pass (&run, &rule, &advice));
    g_assert_true (advice.set_downtime_limit && !advice.set_throttle);
    g_assert_cmpuint (advice.downtime_limit_us, ==, 500000);
    g_assert_true (stalled_pass (&run, &rule, &advice));
    g_assert_true (advice.set_throttle && advice.action == ACTION_NONE);
    g_assert_cmpuint (advice.throttle_pct, ==, 98);
    run.tracker.throttle_commanded_pct = 98;
    for (guint i = 0; i < 5; i++) /* not in force yet: it is not blamed */
        g_assert_false (stalled_pass (&run, &rule, &advice));
    run.sample.throttle_pct = 98;
    g_assert_false (stalled_pass (&run, &rule, &advice));
    g_assert_false (stalled_pass (&run, &rule, &advice));
    g_assert_true (stalled_pass (&run, &rule, &advice));
    g_assert_cmpint (advice.action, ==, ACTION_POSTCOPY);
    g_assert_false (stalled_pass (&run, &rule, &advice));
}

static void
test_throttle_that_never_comes (void)
{
    Rule rule = { .postcopy = POSTCOPY_FALLBACK, .steers_throttle = TRUE };
    Advice advice;
    Run run;
    guint passes = 0;

    start_stalling (&run, &rule, &advice);
    stalled_pass (&run, &rule, &advice);
    stalled_pass (&run, &rule, &advice);
    run.tracker.throttle_commanded_pct = 98;
    while (!stalled_pass (&run, &rule, &advice))
        g_assert_cmpuint (++passes, <, 30);
    g_assert_cmpint (advice.action, ==, ACTION_POSTCOPY);
}

static void
test_if_stuck (void)
{
    static const struct {
        StuckAction if_stuck;
        Action action;
    } cases[] = { { STUCK_WAIT, ACTION_NONE },
                  { STUCK_PAUSE_GUEST, ACTION_PAUSE_GUEST },
                  { STUCK_CANCEL, ACTION_CANCEL } };

    for (guint i = 0; i < G_N_ELEMENTS (cases); i++) {
        Rule rule = { .postcopy = POSTCOPY_NEVER, .if_stuck = cases[i].if_stuck };
        Advice advice;
        Run run;

        start_stalling (&run, &rule, &advice);
        stalled_pass (&run, &rule, &advice);
        g_assert_true (stalled_pass (&run, &rule, &advice));
        g_assert_cmpint (advice.reason_code, ==, REASON_STUCK);
        g_assert_cmpint (advice.action, ==, cases[i].action);
    }
}

static void
test_shrinking_is_left_alone (void)
{
    Rule rule = { .postcopy = POSTCOPY_FALLBACK, .steers_throttle = TRUE };
    Advice advice;
    Run run;

    run_init (&run, 100 * MIB);
    for (guint64 left = 100 * MIB; left > MIB; left /= 2) {
        gboolean ended = run_step (&run, left, left / 2);

        g_assert_true (ended);
        g_assert_false (rule_decide (&rule, &run.tracker, &limits, ended, &advice));
    }
}

static void
test_postcopy_now (void)
{
    Rule rule = { .postcopy = POSTCOPY_NOW };
    Advice advice;
    Run run;

    run_init (&run, 100 * MIB);
    run_step (&run, 50 * MIB, 50 * MIB);
    g_assert_false (rule_decide (&rule, &run.tracker, &limits, FALSE, &advice));
    run_step (&run, 50 * MIB, 20 * MIB);
    g_assert_true (rule_decide (&rule, &run.tracker, &limits, TRUE, &advice));
    g_assert_cmpint (advice.action, ==, ACTION_POSTCOPY);
}

static void
test_deadline (void)
{
    Limits pressed = limits;
    Rule rule = { .postcopy = POSTCOPY_FALLBACK, .steers_throttle = TRUE };
    Advice advice;
    Run run;
    gboolean switched = FALSE;

    pressed.deadline_us = 4000000;
    run_init (&run, 100 * MIB);
    while (!switched && run.now_us < 5000000) {
        run.now_us += 100000;
        run.sample.normal_pages += 10 * MIB / PAGE;
        run.sample.remaining_bytes = 50 * MIB;
        tracker_take (&run.tracker, &run.sample, &pressed, run.now_us);
        if (rule_decide (&rule, &run.tracker, &pressed, FALSE, &advice))
            switched = advice.action == ACTION_POSTCOPY;
    }
    g_assert_true (switched);
    g_assert_cmpuint (run.now_us, >=, 3000000);
    g_assert_cmpuint (run.now_us, <, 4000000);
}

static void
test_absent_is_unknown (void)
{
    g_autoptr (json_object) reply = json_tokener_parse ("{\"status\": \"setup\"}");
    g_autoptr (json_object) line = sample_from_qemu (reply, NULL, NULL);

    g_assert_cmpstr (qmp_peek_string (line, "status", NULL), ==, "setup");
    g_assert_cmpstr (qmp_peek_string (line, "phase", NULL), ==, "setup");
    g_assert_null (qmp_peek (line, "remaining_bytes"));
    g_assert_null (qmp_peek (line, "throttle_pct"));
    g_assert_null (qmp_peek (line, "xbzrle_miss_rate"));
}

static void
test_units (void)
{
    g_autoptr (json_object) reply = json_tokener_parse (
        "{\"status\": \"active\", \"expected-downtime\": 300, \"ram\": {\"page-size\": 4096,"
        " \"dirty-pages-rate\": 10, \"mbps\": 8.0, \"remaining\": 12}}");
    g_autoptr (json_object) parameters = json_tokener_parse ("{\"downtime-limit\": 7}");
    g_autoptr (json_object) line = sample_from_qemu (reply, NULL, parameters);

    g_assert_cmpuint (qmp_peek_uint (line, "expected_downtime_us", 0), ==, 300000);
    g_assert_cmpuint (qmp_peek_uint (line, "dirty_bytes_per_s", 0), ==, 40960);
    g_assert_cmpuint (qmp_peek_uint (line, "bandwidth_bytes_per_s", 0), ==, 1000000);
    g_assert_cmpuint (qmp_peek_uint (line, "downtime_limit_us", 0), ==, 7000);
}

static void
test_unknown_status (void)
{
    g_autoptr (json_object) reply = json_tokener_parse ("{\"status\": \"frobnicating\"}");
    g_autoptr (json_object) line = sample_from_qemu (reply, NULL, NULL);

    g_assert_cmpstr (qmp_peek_string (line, "status", NULL), ==, "frobnicating");
    g_assert_cmpstr (qmp_peek_string (line, "phase", NULL), ==, "pre-copy");
}

int
main (int argc, char **argv)
{
    g_test_init (&argc, &argv, NULL);
    check_add ("/sample/what-qemu-does-not-say-is-absent", test_absent_is_unknown);
    check_add ("/sample/qemus-units-become-base-units", test_units);
    check_add ("/sample/an-unknown-status-is-still-running", test_unknown_status);
    check_add ("/tracker/a-pass-ends-when-what-remained-was-sent", test_pass_by_bytes);
    check_add ("/tracker/syncs-are-no-passes", test_syncs_are_no_passes);
    check_add ("/tracker/unchanged-pages-count-as-covered", test_pass_without_bytes);
    check_add ("/tracker/progress-never-falls", test_progress_never_falls);
    check_add ("/tracker/the-throttle-adds-up", test_throttle_integral);
    check_add ("/rule/mildest-first", test_mildest_first);
    check_add ("/rule/a-throttle-that-never-comes-is-not-waited-for",
               test_throttle_that_never_comes);
    check_add ("/rule/if-stuck-is-the-last-word", test_if_stuck);
    check_add ("/rule/passes-that-shrink-are-left-alone", test_shrinking_is_left_alone);
    check_add ("/rule/postcopy-now-waits-for-the-first-pass", test_postcopy_now);
    check_add ("/rule/a-deadline-is-met-by-postcopy", test_deadline);
    return g_test_run ();
}
