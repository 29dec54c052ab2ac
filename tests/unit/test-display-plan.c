/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* What is going to be done, and what the policy does. */
#include "tests/unit/check.h"
#include "tests/unit/stage.h"

/* --- policy --------------------------------------------------------------------------------------
 */

static void
check_advice (Stage *stage, const char *fields, const char *wanted)
{
    g_autofree char *json = g_strdup_printf ("{\"type\": \"advice\", %s}", fields);
    g_autofree char *drawn = NULL;

    stage_feed (stage, json);
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
                  "policy: switch to postcopy: stuck\n");
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
    stage_feed (&stage, "{\"type\": \"applied\", \"parameters\": {\"downtime-limit\": 500},"
                        " \"answer\": \"ok\"}");
    stage_feed (&stage, "{\"type\": \"applied\", \"parameters\": {\"downtime-limit\": 500},"
                        " \"answer\": \"Parameter 'downtime-limit' is bad\"}");
    drawn = stage_take (&stage);
    g_assert_cmpstr (
        drawn, ==,
        "qmpmig: QEMU refused downtime-limit 500 ms: Parameter 'downtime-limit' is bad\n");
    stage_close (&stage);
}

/* --- the plan ------------------------------------------------------------------------------------
 */

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
    stage_feed (&stage, HEADER);
    stage_feed (&stage, plan);
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

int
main (int argc, char **argv)
{
    g_test_init (&argc, &argv, NULL);
    check_add ("/display-plan/advice-is-told-when-news", test_advice_is_news);
    check_add ("/display-plan/verbose-advice", test_verbose_advice);
    check_add ("/display-plan/refusal-is-told", test_refusal_is_told);
    check_add ("/display-plan/plan", test_plan);
    check_add ("/display-plan/dry-run", test_dry_run);
    return g_test_run ();
}
