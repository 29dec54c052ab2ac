/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Samples, true passes, estimates and guard rails, by made-up numbers. */
#include <math.h>

#include "agent/steering/guard.h"
#include "agent/steering/policy.h"
#include "agent/steering/tracker.h"
#include "plugins/curve.h"
#include "qmp/value.h"
#include "tests/unit/check.h"

#define MIB  ((guint64)1024 * 1024)
#define PAGE ((guint64)4096)

static const Limits limits = { .max_downtime_us = 500000,
                               .max_stall_us = 500000,
                               .max_throttle_pct = 98 };

static struct qmpmig_curve
curve_of (guint64 t0, guint64 b0, guint64 t1, guint64 b1)
{
    struct qmpmig_curve curve;

    curve_init (&curve);
    curve_add (&curve, t1, b1);
    curve_add (&curve, t0, b0);
    return curve;
}

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
    run.sample.syncs++;
    g_assert_true (run_step (&run, 0, 0));
}

/* What it has left is known after QEMU's look: it was counted once before and once after. */
static void
test_a_pass_ends_with_the_look (void)
{
    Run run;

    run_init (&run, 100 * MIB);
    g_assert_false (run_step (&run, 60 * MIB, 40 * MIB));
    g_assert_false (run_step (&run, 40 * MIB, 0));
    run.sample.syncs++;
    g_assert_true (run_step (&run, 0, 40 * MIB));
    g_assert_false (run_step (&run, 40 * MIB, 0));
    run.sample.syncs++;
    g_assert_true (run_step (&run, 0, 0)); /* nothing was dirtied */
    g_assert_cmpuint (run.tracker.passes, ==, 2);
}

static void
test_progress_never_falls (void)
{
    Run run;
    double last = 0;

    run_init (&run, 100 * MIB);
    for (guint i = 0; i < 40; i++) {
        run_step (&run, 10 * MIB, i < 9 ? (90 - 10 * i) * MIB : (i % 7) * 8 * MIB);
        g_assert_cmpfloat (run.tracker.outlook.progress, >=, last);
        last = run.tracker.outlook.progress;
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

/* -- Estimates -- */

static void
one_sync (Run *run, guint64 sent, guint64 remaining)
{
    run->sample.syncs++;
    run_step (run, sent, remaining);
}

static void
test_syncs_tell_the_curve (void)
{
    Run run;

    run_init (&run, 100 * MIB);
    run.sample.guest_running = 1;
    for (guint i = 0; i < 9; i++)
        run_step (&run, 10 * MIB, (90 - 10 * i) * MIB);
    one_sync (&run, 10 * MIB, 40 * MIB); /* a second: 40 MiB were written to */
    run_step (&run, 10 * MIB, 30 * MIB);
    run_step (&run, 10 * MIB, 20 * MIB);
    run_step (&run, 10 * MIB, 10 * MIB);
    one_sync (&run, 10 * MIB, 30 * MIB); /* .4 seconds: 30 MiB */
    g_assert_cmpuint (curve_points (&run.sample.curve), ==, 2);
    g_assert_cmpuint (run.sample.curve.bytes[0], ==, 30 * MIB);
    g_assert_cmpuint (run.sample.curve.time_us[0], ==, 400000);
    g_assert_cmpuint (run.sample.curve.bytes[1], ==, 40 * MIB);
    g_assert_cmpuint (run.sample.dirtied_bytes, ==, 30 * MIB);
    g_assert_cmpuint (run.sample.remaining_after_pass_bytes, >, 10 * MIB);
    g_assert_cmpuint (run.sample.remaining_after_pass_bytes, <, 30 * MIB);
}

/* Several syncs in one look cannot be told apart. */
static void
test_syncs_that_run_together_tell_nothing (void)
{
    Run run;

    run_init (&run, 100 * MIB);
    run.sample.guest_running = 1;
    run_step (&run, 50 * MIB, 50 * MIB);
    run.sample.syncs += 2;
    run_step (&run, 50 * MIB, 40 * MIB);
    g_assert_cmpuint (curve_points (&run.sample.curve), ==, 0);
}

/* Later, when none of them has found all of memory, each is one of so many. */
static void
test_syncs_that_run_together_count_on_average (void)
{
    Run run;

    run_init (&run, 100 * MIB);
    run.sample.guest_running = 1;
    run.sample.syncs = 2;
    run_step (&run, 90 * MIB, 10 * MIB);
    run.sample.syncs += 4;
    run_step (&run, 40 * MIB, 10 * MIB);
    g_assert_cmpuint (run.sample.curve.time_us[0], ==, 25000);
    g_assert_cmpuint (run.sample.curve.bytes[0], ==, 10 * MIB);
    g_assert_cmpuint (run.sample.remaining_at_sync_bytes, ==, 10 * MIB);
}

/* What has yet to be sent is not found again: a look in the middle of a pass sees but a part. */
static void
test_a_look_within_a_pass_sees_what_was_clean (void)
{
    Run run;

    run_init (&run, 100 * MIB);
    run.sample.guest_running = 1;
    for (guint i = 0; i < 9; i++)
        run_step (&run, 10 * MIB, (90 - 10 * i) * MIB);
    one_sync (&run, 10 * MIB, 40 * MIB);
    run_step (&run, 10 * MIB, 30 * MIB);
    run_step (&run, 10 * MIB, 20 * MIB);
    one_sync (&run, 10 * MIB, 16 * MIB); /* 6 MiB, of three eighths of the set */
    g_assert_cmpuint (curve_points (&run.sample.curve), ==, 1);
    run_step (&run, 6 * MIB, 10 * MIB);
    one_sync (&run, 5 * MIB, 13 * MIB); /* 8 MiB, of three quarters */
    g_assert_cmpuint (curve_points (&run.sample.curve), ==, 2);
    g_assert_cmpuint (run.sample.curve.time_us[0], <, 300000);
    g_assert_cmpuint (run.sample.curve.bytes[0], >, 11 * MIB);
    g_assert_cmpuint (run.sample.curve.bytes[0], <, 14 * MIB);
    g_assert_cmpuint (run.sample.curve.bytes[1], ==, 40 * MIB); /* and does not shrink the set */
}

/* Guest time: what a throttle takes away is not counted. */
static void
test_a_throttle_slows_the_guests_clock (void)
{
    Run run;

    run_init (&run, 100 * MIB);
    run.sample.guest_running = 1;
    run.sample.throttle_pct = 75;
    for (guint i = 0; i < 4; i++)
        run_step (&run, 10 * MIB, 50 * MIB);
    one_sync (&run, 10 * MIB, 60 * MIB);
    g_assert_cmpuint (run.sample.curve.time_us[0], ==, 100000);
}

static void
test_link_is_what_goes_over_it (void)
{
    Run run;

    run_init (&run, 100 * MIB);
    for (guint i = 0; i < 30; i++)
        run_step (&run, 2 * MIB, 50 * MIB);
    g_assert_cmpuint (run.sample.link_bytes_per_s, >, 19 * MIB);
    g_assert_cmpuint (run.sample.link_bytes_per_s, <, 21 * MIB);
    g_assert_cmpuint (run.sample.link_low_bytes_per_s, <=, run.sample.link_bytes_per_s);
}

/* 9 bytes for each of these, as fast as QEMU finds them. */
static void
test_zero_pages_tell_nothing_of_the_link (void)
{
    Run run;

    run_init (&run, 100 * MIB);
    for (guint i = 0; i < 30; i++)
        run_step (&run, 2 * MIB, 50 * MIB);
    for (guint i = 0; i < 30; i++) {
        run.sample.zero_pages += 10000;
        run_step (&run, 90000, 50 * MIB);
    }
    g_assert_cmpuint (run.sample.link_bytes_per_s, >, 19 * MIB);
    for (guint i = 0; i < 100; i++)
        run_step (&run, MIB, 50 * MIB);
    g_assert_cmpuint (run.sample.link_bytes_per_s, <, 11 * MIB);
}

/* In each third of a second a look, after which QEMU waits for the vCPU, and a pass. */
static void
test_a_sleeping_guest_is_no_slow_link (void)
{
    Run run;

    run_init (&run, 100 * MIB);
    for (guint i = 0; i < 30; i++)
        run_step (&run, 2 * MIB, 50 * MIB);
    run.sample.throttle_pct = 97;
    for (guint i = 0; i < 30; i++) {
        run_step (&run, MIB / 2, MIB);
        run.sample.syncs++;
        run_step (&run, MIB, 3 * MIB / 2);
        run_step (&run, 0, 3 * MIB / 2);
    }
    g_assert_cmpuint (run.sample.link_bytes_per_s, >, 19 * MIB);
    for (guint i = 0; i < 100; i++) /* longer than anybody sleeps */
        run_step (&run, 0, 3 * MIB / 2);
    g_assert_cmpuint (run.sample.link_bytes_per_s, <, MIB);
}

/* What fills the socket's buffer goes at the speed of memory: two milliseconds are no rate. */
static void
test_a_filled_buffer_is_no_link (void)
{
    Run run;

    run_init (&run, 100 * MIB);
    run_step (&run, 0, 100 * MIB);
    run.now_us -= 98000;
    run_step (&run, MIB, 99 * MIB);
    for (guint i = 0; i < 10; i++)
        run_step (&run, 2 * MIB, 50 * MIB);
    g_assert_cmpuint (run.sample.link_bytes_per_s, >, 19 * MIB);
    g_assert_cmpuint (run.sample.link_bytes_per_s, <, 22 * MIB);
}

/* What was, under a limit that was raised, says little; under a lowered one it cannot be any more.
 */
static void
test_another_limit_is_another_link (void)
{
    Run run;

    run_init (&run, 1000 * MIB);
    run.sample.bandwidth_limit_bytes_per_s = 20 * MIB;
    for (guint i = 0; i < 30; i++)
        run_step (&run, 2 * MIB, 900 * MIB);
    run.sample.bandwidth_limit_bytes_per_s = 10 * MIB;
    run_step (&run, 2 * MIB, 900 * MIB);
    g_assert_cmpuint (run.sample.link_bytes_per_s, ==, 10 * MIB);
    run.sample.bandwidth_limit_bytes_per_s = 80 * MIB;
    for (guint i = 0; i < 4; i++)
        run_step (&run, 8 * MIB, 900 * MIB);
    g_assert_cmpuint (run.sample.link_bytes_per_s, >, 70 * MIB);
}

/* -- Guard rails -- */

typedef struct {
    Sample sample;
    struct qmpmig_advice advice;
    GPtrArray *changed;
} Guarded;

static void
guard_init (Guarded *g, guint64 may)
{
    sample_init (&g->sample);
    policy_default_advice (&g->advice);
    g->sample.may = may;
    g->sample.total_bytes = 512 * MIB;
    g->sample.throttle_commanded_pct = 0;
    g->sample.limits.max_downtime_us = 500000;
    g->sample.limits.max_throttle_pct = 90;
    g->sample.limits.max_bandwidth_bytes_per_s = 0;
    g->changed = g_ptr_array_new_with_free_func (g_free);
}

static guint
guard_run (Guarded *g)
{
    guint count;

    guard_advice (&g->sample, &g->advice, g->changed);
    count = g->changed->len;
    g_ptr_array_unref (g->changed);
    return count;
}

static void
test_limits_stand_above_a_policy (void)
{
    Guarded g;

    guard_init (&g, G_MAXUINT64);
    g.advice.set = QMPMIG_SET_THROTTLE | QMPMIG_SET_DOWNTIME | QMPMIG_SET_XBZRLE_CACHE;
    g.advice.throttle_pct = 500;
    g.advice.downtime_limit_us = 3000000;
    g.advice.xbzrle_cache_bytes = 100 * MIB;
    g_assert_cmpuint (guard_run (&g), ==, 2);
    g_assert_cmpuint (g.advice.throttle_pct, ==, 90);
    g_assert_cmpuint (g.advice.downtime_limit_us, ==, 500000);
    g_assert_cmpuint (g.advice.xbzrle_cache_bytes, ==, 128 * MIB); /* QEMU's powers of two */
}

static void
test_a_bandwidth_limit_is_the_operators (void)
{
    Guarded g;

    guard_init (&g, G_MAXUINT64);
    g.sample.limits.max_bandwidth_bytes_per_s = 50 * MIB;
    g.advice.set = QMPMIG_SET_BANDWIDTH;
    g.advice.bandwidth_bytes_per_s = 0; /* no limit */
    g_assert_cmpuint (guard_run (&g), ==, 1);
    g_assert_cmpuint (g.advice.bandwidth_bytes_per_s, ==, 50 * MIB);
}

/* A policy that believes in a faster link would break the limit of the blackout. */
static void
test_a_switchover_bandwidth_is_the_links (void)
{
    static const struct {
        guint64 link, page_bytes, wanted, set;
        guint changes;
    } cases[] = {
        { 50 * MIB, PAGE + 8, 40 * MIB, 40 * MIB, 0 },
        { 50 * MIB, PAGE + 8, 51 * MIB, 50 * MIB, 1 },
        { 50 * MIB, PAGE / 4, 200 * MIB, 200 * MIB, 0 }, /* as deltas that go four times as fast */
        { 50 * MIB, PAGE / 4, 201 * MIB, 200 * MIB, 1 },
        { 50 * MIB, PAGE + 8, 0, 0, 0 },
        { SAMPLE_UNKNOWN, PAGE + 8, 0, 0, 0 },
        { SAMPLE_UNKNOWN, PAGE + 8, 1, SAMPLE_UNKNOWN, 1 },
    };

    for (guint i = 0; i < G_N_ELEMENTS (cases); i++) {
        Guarded g;

        guard_init (&g, G_MAXUINT64);
        g.sample.link_bytes_per_s = cases[i].link;
        g.sample.page_size_bytes = PAGE;
        g.sample.page_bytes = cases[i].page_bytes;
        g.advice.set = QMPMIG_SET_SWITCHOVER_BANDWIDTH;
        g.advice.switchover_bandwidth_bytes_per_s = cases[i].wanted;
        g_assert_cmpuint (guard_run (&g), ==, cases[i].changes);
        g_assert_cmpuint (!g.advice.set, ==, cases[i].set == SAMPLE_UNKNOWN);
        if (g.advice.set)
            g_assert_cmpuint (g.advice.switchover_bandwidth_bytes_per_s, ==, cases[i].set);
    }
}

static void
test_knobs_that_may_not_be_turned (void)
{
    Guarded g;

    guard_init (&g, QMPMIG_MAY_DOWNTIME);
    g.advice.set = QMPMIG_SET_THROTTLE | QMPMIG_SET_DOWNTIME | QMPMIG_SET_BANDWIDTH;
    g.advice.throttle_pct = 50;
    g.advice.downtime_limit_us = 100000;
    g.advice.action = QMPMIG_ACTION_CANCEL;
    g_assert_cmpuint (guard_run (&g), ==, 3);
    g_assert_cmpuint (g.advice.set, ==, QMPMIG_SET_DOWNTIME);
    g_assert_cmpuint (g.advice.action, ==, QMPMIG_ACTION_NONE);
}

static void
test_within_the_limits_nothing_is_changed (void)
{
    Guarded g;

    guard_init (&g, G_MAXUINT64);
    g.advice.set = QMPMIG_SET_THROTTLE | QMPMIG_SET_DOWNTIME;
    g.advice.throttle_pct = 90;
    g.advice.downtime_limit_us = 500000;
    g.advice.action = QMPMIG_ACTION_POSTCOPY;
    g_assert_cmpuint (guard_run (&g), ==, 0);
    g_assert_cmpuint (g.advice.action, ==, QMPMIG_ACTION_POSTCOPY);
}

/* -- The working-set curve -- */

/* 64 MiB, written at random at 100 MiB/s. */
static void
test_a_uniform_set_is_told_by_two_points (void)
{
    double n = 64.0 * (double)MIB, rate = 100.0 / 64;
    struct qmpmig_curve curve = curve_of (1300000, (guint64)(n * -expm1 (-rate * 1.3)), 8000000,
                                          (guint64)(n * -expm1 (-rate * 8)));
    struct curve_model model;

    curve_model_init (&model, &curve);
    for (double s = 0.05; s < 1.3; s += 0.05) {
        double want = n * -expm1 (-rate * s);

        g_assert_cmpfloat (fabs (curve_bytes (&model, s * 1e6) - want), <, 0.03 * want);
    }
    g_assert_cmpfloat (fabs (curve_time_us (&model, curve_bytes (&model, 400000), 1e6) - 400000), <,
                       100);
}

static void
test_a_set_that_was_only_seen_full_is_known (void)
{
    struct qmpmig_curve full = curve_of (1000000, 64 * MIB, 5000000, 64 * MIB);
    struct qmpmig_curve open = curve_of (100000, 10 * MIB, 5000000, 64 * MIB);
    struct curve_model model;

    curve_model_init (&model, &full);
    g_assert_false (curve_was_open (&model));
    curve_model_init (&model, &open);
    g_assert_true (curve_was_open (&model));
}

static void
test_the_newest_is_believed (void)
{
    struct qmpmig_curve curve = curve_of (1000000, 50 * MIB, 5000000, 60 * MIB);

    curve_add (&curve, 2000000, 80 * MIB);
    g_assert_cmpuint (curve.bytes[0], >=, 40 * MIB);
    g_assert_cmpuint (curve.bytes[2], >=, 80 * MIB);
    curve_add (&curve, 2000000, 20 * MIB); /* meets the other half way */
    g_assert_cmpuint (curve.bytes[1], ==, 50 * MIB);
    g_assert_cmpuint (curve_points (&curve), ==, 3);
}

static void
test_the_curve_stays_small (void)
{
    struct qmpmig_curve curve;

    curve_init (&curve);
    for (guint64 t = 1000; t < 1000000000; t = t * 3 / 2)
        curve_add (&curve, t, t);
    g_assert_cmpuint (curve_points (&curve), ==, QMPMIG_CURVE_POINTS);
    for (guint i = 1; i < QMPMIG_CURVE_POINTS; i++) {
        g_assert_cmpuint (curve.time_us[i], >, curve.time_us[i - 1]);
        g_assert_cmpuint (curve.bytes[i], >=, curve.bytes[i - 1]);
    }
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
    g_assert_null (qmp_peek (line, "xbzrle_miss_ppm"));
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

/* What is recorded can be replayed: nothing is lost on the way. */
static void
test_json_and_back (void)
{
    Sample before, after;
    json_object *line;

    sample_init (&before);
    before.status = QMPMIG_STATUS_ACTIVE;
    sample_take_run_state (&before, "running");
    before.why = QMPMIG_WHY_SYNC;
    before.may = QMPMIG_MAY_DOWNTIME;
    before.remaining_bytes = 12;
    before.limits.max_stall_us = 34;
    before.curve = curve_of (10, 20, 30, 40);
    line = sample_to_json (&before, NULL, "active", "running");
    sample_from_json (&after, line);
    g_assert_cmpmem (&before, sizeof before, &after, sizeof after);
    json_object_put (line);
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
    check_add ("/sample/json-and-back-loses-nothing", test_json_and_back);
    check_add ("/sample/an-unknown-status-is-still-running", test_unknown_status);
    check_add ("/tracker/a-pass-ends-when-what-remained-was-sent", test_pass_by_bytes);
    check_add ("/tracker/syncs-are-no-passes", test_syncs_are_no_passes);
    check_add ("/tracker/a-pass-ends-with-the-look", test_a_pass_ends_with_the_look);
    check_add ("/tracker/unchanged-pages-count-as-covered", test_pass_without_bytes);
    check_add ("/tracker/progress-never-falls", test_progress_never_falls);
    check_add ("/tracker/the-throttle-adds-up", test_throttle_integral);
    check_add ("/estimate/syncs-tell-the-working-set-curve", test_syncs_tell_the_curve);
    check_add ("/estimate/syncs-that-run-together-tell-nothing",
               test_syncs_that_run_together_tell_nothing);
    check_add ("/estimate/syncs-that-run-together-count-on-average",
               test_syncs_that_run_together_count_on_average);
    check_add ("/estimate/a-look-within-a-pass-sees-what-was-clean",
               test_a_look_within_a_pass_sees_what_was_clean);
    check_add ("/estimate/a-throttle-slows-the-guests-clock",
               test_a_throttle_slows_the_guests_clock);
    check_add ("/estimate/the-link-is-what-goes-over-it", test_link_is_what_goes_over_it);
    check_add ("/estimate/a-sleeping-guest-is-no-slow-link", test_a_sleeping_guest_is_no_slow_link);
    check_add ("/estimate/a-filled-buffer-is-no-link", test_a_filled_buffer_is_no_link);
    check_add ("/estimate/zero-pages-tell-nothing-of-the-link",
               test_zero_pages_tell_nothing_of_the_link);
    check_add ("/estimate/another-limit-is-another-link", test_another_limit_is_another_link);
    check_add ("/guard/limits-stand-above-a-policy", test_limits_stand_above_a_policy);
    check_add ("/guard/a-switchover-bandwidth-is-the-links",
               test_a_switchover_bandwidth_is_the_links);
    check_add ("/guard/a-bandwidth-limit-is-the-operators",
               test_a_bandwidth_limit_is_the_operators);
    check_add ("/guard/knobs-that-may-not-be-turned-are-left", test_knobs_that_may_not_be_turned);
    check_add ("/guard/within-the-limits-nothing-is-changed",
               test_within_the_limits_nothing_is_changed);
    check_add ("/curve/a-uniform-set-is-told-by-two-points",
               test_a_uniform_set_is_told_by_two_points);
    check_add ("/curve/a-set-that-was-only-seen-full-is-known",
               test_a_set_that_was_only_seen_full_is_known);
    check_add ("/curve/the-newest-is-believed", test_the_newest_is_believed);
    check_add ("/curve/it-stays-small", test_the_curve_stays_small);
    return g_test_run ();
}
