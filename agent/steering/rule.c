/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "agent/steering/rule.h"

/* Passes under the throttle before it counts as tried: the first began without it. */
#define THROTTLE_PASSES 2
/* QEMU throttles at its next rated sync, a second or two later; passes may be shorter than that.
 * One that never does it is not waited for. */
#define THROTTLE_PATIENCE_PASSES 16

const char *
action_name (Action action)
{
    switch (action) {
    case ACTION_NONE:
        return "none";
    case ACTION_POSTCOPY:
        return "postcopy";
    case ACTION_PAUSE_GUEST:
        return "pause-guest";
    case ACTION_CANCEL:
        return "cancel";
    }
    return "none";
}

static void
enter (Rule *self, RuleStage stage, const Tracker *tracker)
{
    self->stage = stage;
    self->passes_at_stage = tracker->passes;
}

static gboolean say (Advice *advice, ReasonCode code, const char *format, ...) G_GNUC_PRINTF (3, 4);

static gboolean
say (Advice *advice, ReasonCode code, const char *format, ...)
{
    g_autofree char *text = NULL;
    va_list args;

    va_start (args, format);
    text = g_strdup_vprintf (format, args);
    va_end (args);
    g_strlcpy (advice->reason, text, sizeof advice->reason);
    advice->reason_code = code;
    return TRUE;
}

/* The first move: stop here, and let the permitted downtime pay for the rest. */
static gboolean
spend_downtime (Rule *self, const Tracker *t, const Limits *limits, Advice *advice)
{
    g_autofree char *left = units_format_size (t->remaining_at_boundary);
    g_autofree char *allowed = units_format_time (limits->max_downtime_us);

    enter (self, RULE_DOWNTIME_SPENT, t);
    advice->set_downtime_limit = TRUE;
    advice->downtime_limit_us = limits->max_downtime_us;
    return say (advice, REASON_SPEND_DOWNTIME,
                "pass %" G_GUINT64_FORMAT " left %s, no less than the one before: the whole "
                "permitted downtime (%s) may be used",
                t->passes, left, allowed);
}

static gboolean
throttle (Rule *self, const Tracker *t, const Limits *limits, Advice *advice)
{
    enter (self, RULE_THROTTLED, t);
    advice->set_throttle = TRUE;
    advice->throttle_pct = limits->max_throttle_pct;
    return say (
        advice, REASON_THROTTLE,
        "passes have stopped shrinking: the guest's CPUs are slowed by %u %%, hard and short",
        limits->max_throttle_pct);
}

static gboolean
last_resort (Rule *self, const Tracker *t, Advice *advice)
{
    enter (self, RULE_AT_THE_END, t);
    if (self->postcopy == POSTCOPY_FALLBACK) {
        advice->action = ACTION_POSTCOPY;
        return say (advice, REASON_POSTCOPY_STALLED,
                    "nothing milder made passes shrink: switching to postcopy");
    }
    switch (self->if_stuck) {
    case STUCK_WAIT:
        return say (
            advice, REASON_STUCK,
            "nothing permitted makes passes shrink; it goes on (--if-stuck wait). A longer "
            "--max-downtime, postcopy or pausing the guest would end it: see `qmpmig finish`");
    case STUCK_PAUSE_GUEST:
        advice->action = ACTION_PAUSE_GUEST;
        return say (advice, REASON_STUCK,
                    "nothing permitted makes passes shrink: pausing the guest (--if-stuck)");
    case STUCK_CANCEL:
        advice->action = ACTION_CANCEL;
        return say (advice, REASON_STUCK,
                    "nothing permitted makes passes shrink: cancelling (--if-stuck)");
    }
    return FALSE;
}

static gboolean
throttle_was_tried (Rule *self, const Tracker *t)
{
    if (!self->throttle_holds && t->last.throttle_pct != SAMPLE_UNKNOWN &&
        t->last.throttle_pct >= t->throttle_commanded_pct) {
        self->throttle_holds = TRUE;
        self->passes_at_stage = t->passes;
    }
    return t->passes >= self->passes_at_stage +
                            (self->throttle_holds ? THROTTLE_PASSES : THROTTLE_PATIENCE_PASSES);
}

static gboolean
escalate (Rule *self, const Tracker *t, const Limits *limits, Advice *advice)
{
    switch (self->stage) {
    case RULE_FREE:
        return spend_downtime (self, t, limits, advice);
    case RULE_DOWNTIME_SPENT:
        if (self->steers_throttle)
            return throttle (self, t, limits, advice);
        return last_resort (self, t, advice);
    case RULE_THROTTLED:
        if (throttle_was_tried (self, t))
            return last_resort (self, t, advice);
        return FALSE;
    case RULE_AT_THE_END:
        return FALSE;
    }
    return FALSE;
}

/* Half the time is for doing it gently, three quarters for doing it at all. */
static gboolean
press_deadline (Rule *self, const Tracker *t, const Limits *limits, Advice *advice)
{
    guint64 left = t->last.deadline_left_us;

    if (left == SAMPLE_UNKNOWN || self->stage == RULE_AT_THE_END || t->passes == 0)
        return FALSE;
    if (left == 0)
        return last_resort (self, t, advice);
    if (self->stage == RULE_FREE && left < limits->deadline_us / 2)
        return spend_downtime (self, t, limits, advice);
    if (self->stage == RULE_DOWNTIME_SPENT && self->steers_throttle &&
        left < limits->deadline_us / 2)
        return throttle (self, t, limits, advice);
    if (self->postcopy == POSTCOPY_FALLBACK && left < limits->deadline_us / 4) {
        enter (self, RULE_AT_THE_END, t);
        advice->action = ACTION_POSTCOPY;
        return say (advice, REASON_POSTCOPY_DEADLINE,
                    "a quarter of the time to --deadline is left: switching to postcopy");
    }
    return FALSE;
}

gboolean
rule_decide (Rule *self, const Tracker *tracker, const Limits *limits, gboolean pass_ended,
             Advice *advice)
{
    *advice = (Advice){ .action = ACTION_NONE };
    if (self->postcopy == POSTCOPY_NOW && tracker->passes >= 1 && self->stage != RULE_AT_THE_END) {
        enter (self, RULE_AT_THE_END, tracker);
        advice->action = ACTION_POSTCOPY;
        return say (advice, REASON_POSTCOPY_ASKED, "the first pass is over (--postcopy now)");
    }
    if (press_deadline (self, tracker, limits, advice))
        return TRUE;
    return pass_ended && tracker_has_stalled (tracker) && escalate (self, tracker, limits, advice);
}
