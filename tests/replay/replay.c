/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Shows a policy a recorded or written-down migration and prints what it says, a line for each line
 * that asks: `case` (the plan) and `sample` (the advice). tests/replay/README.md. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "agent/steering/policy.h"
#include "agent/steering/tracker.h"
#include "plugins/curve.h"
#include "qmp/value.h"
#include "tests/replay/words.h"

typedef struct {
    Policy *policy;
    json_object *defaults; /* of all samples; borrowed from the case, which lives as long */
    Tracker tracker;
    gboolean estimates; /* anew, from what QEMU said */
} Replay;

static void
print (json_object *line)
{
    puts (json_object_to_json_string_ext (line, JSON_C_TO_STRING_PLAIN));
    fflush (stdout); /* whoever writes the lines may wait for the answer before the next */
    json_object_put (line);
}

static void
print_text (const char *type, const char *text)
{
    print (qmp_object ("type", json_object_new_string (type), "text", json_object_new_string (text),
                       NULL));
}

static gboolean
configure (Replay *replay, json_object *config, GError **error)
{
    if (config) {
        json_object_object_foreach (config, key, value) {
            if (!policy_configure (replay->policy, key, json_object_get_string (value), error))
                return FALSE;
        }
    }
    return policy_complete (replay->policy, error);
}

static gboolean
plan (Replay *replay, json_object *given, GError **error)
{
    struct qmpmig_facts facts;
    struct qmpmig_plan answer;

    policy_default_facts (&facts);
    if (given && !words_read (given, facts_fields, &facts, &facts.curve, error))
        return FALSE;
    if (!policy_plan (replay->policy, &facts, &answer, error))
        return FALSE;
    print (words_write ("plan", plan_fields, &answer));
    return TRUE;
}

/* "facts" being null is a migration that runs already: nothing is planned. */
static gboolean
begin (Replay *replay, json_object *line, GError **error)
{
    struct qmpmig_context context = { .kind = QMPMIG_KIND_SIMULATED, .page_size_bytes = 4096 };
    json_object *given = qmp_peek (line, "context");
    json_object *facts = NULL;

    if (given && !words_read (given, context_fields, &context, NULL, error))
        return FALSE;
    replay->defaults = qmp_peek (line, "defaults");
    replay->estimates = qmp_peek_bool (line, "estimate", FALSE);
    tracker_init (&replay->tracker);
    replay->policy = policy_load_or_exec (qmp_peek_string (line, "policy", ""), &context, error);
    if (!replay->policy || !configure (replay, qmp_peek (line, "config"), error))
        return FALSE;
    return (json_object_object_get_ex (line, "facts", &facts) && !facts) ||
           plan (replay, facts, error);
}

/* The time that the machine takes to answer is not the policy's. */
static PolicyAnswer
ask (Policy *policy, const struct qmpmig_sample *sample, struct qmpmig_advice *advice, char **text)
{
    PolicyAnswer answer = policy_decide (policy, sample, advice, text);

    while (answer == POLICY_PENDING) {
        g_usleep (10000);
        g_clear_pointer (text, g_free);
        answer = policy_decide (policy, sample, advice, text);
    }
    return answer;
}

/* What was recorded of it is thrown away, and worked out again. */
static void
estimate (Tracker *tracker, struct qmpmig_sample *s)
{
    const struct qmpmig_limits *given = &s->limits;
    struct qmpmig_sample raw = *s;
    guint64 deadline_us =
        given->deadline_left_us == QMPMIG_UNKNOWN ? 0 : raw.now_us + given->deadline_left_us;
    Limits limits = { .max_downtime_us = given->max_downtime_us,
                      .max_stall_us = given->max_stall_us,
                      .deadline_us = deadline_us,
                      .max_throttle_pct = (guint)given->max_throttle_pct,
                      .bandwidth_bytes_per_s = given->max_bandwidth_bytes_per_s,
                      .if_stuck = (enum qmpmig_if_stuck)given->if_stuck,
                      .postcopy = (enum qmpmig_postcopy)given->postcopy };

    if (raw.syncs <= 1) /* samples of pages: not in the record otherwise */
        tracker->estimate.set.seen = raw.curve;
    curve_init (&s->curve);
    s->link_bytes_per_s = s->link_low_bytes_per_s = QMPMIG_UNKNOWN;
    tracker->throttle_commanded_pct = raw.throttle_commanded_pct;
    tracker_take (tracker, s, &limits, raw.now_us);
    s->why = raw.why;
}

/* RECORDED: a line of a trace, as sample_to_json() wrote it. */
static gboolean
read_sample (const Replay *replay, json_object *line, gboolean recorded,
             struct qmpmig_sample *sample, GError **error)
{
    if (recorded)
        sample_from_json (sample, line);
    else
        policy_default_sample (sample);
    if (replay->defaults &&
        !words_read (replay->defaults, sample_fields, sample, &sample->curve, error))
        return FALSE;
    return recorded || words_read (line, sample_fields, sample, &sample->curve, error);
}

static gboolean
step (Replay *replay, json_object *line, gboolean recorded, GError **error)
{
    struct qmpmig_sample sample;
    struct qmpmig_advice advice;
    g_autofree char *text = NULL;

    if (!read_sample (replay, line, recorded, &sample, error))
        return FALSE;
    if (replay->estimates)
        estimate (&replay->tracker, &sample);
    switch (ask (replay->policy, &sample, &advice, &text)) {
    case POLICY_ADVISED:
    case POLICY_SILENT:
    case POLICY_PENDING:
        print (words_write ("advice", advice_fields, &advice));
        break;
    case POLICY_FAILED:
    case POLICY_ABANDONED:
        print_text ("failed", text);
        break;
    }
    return TRUE;
}

static gboolean
take (Replay *replay, json_object *line, GError **error)
{
    const char *type = qmp_peek_string (line, "type", "");
    gboolean recorded = !strcmp (type, "recorded");

    if (!strcmp (type, "case"))
        return begin (replay, line, error);
    return !replay->policy || !(recorded || !strcmp (type, "sample")) ||
           step (replay, line, recorded, error);
}

int
main (int argc, char **argv)
{
    Replay replay = { 0 };
    g_autoptr (GError) error = NULL;
    g_autoptr (GPtrArray) lines = g_ptr_array_new ();
    gboolean ok = TRUE;
    char *text = NULL;
    size_t room = 0;

    while (ok && getline (&text, &room, stdin) > 0) {
        json_object *line = json_tokener_parse (text);

        g_ptr_array_add (lines, line);
        ok = line && take (&replay, line, &error);
    }
    if (!ok)
        print_text ("failed", error ? error->message : "a line is no JSON");
    policy_free (replay.policy);
    for (guint i = 0; i < lines->len; i++)
        json_object_put (g_ptr_array_index (lines, i));
    free (text);
    return 0;
}
