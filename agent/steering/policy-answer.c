/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include <string.h>

#include "agent/steering/policy-internal.h"

#define KNOWN_SET                                                                                  \
    (QMPMIG_SET_THROTTLE | QMPMIG_SET_DOWNTIME | QMPMIG_SET_BANDWIDTH |                            \
     QMPMIG_SET_POSTCOPY_BANDWIDTH | QMPMIG_SET_SWITCHOVER_BANDWIDTH | QMPMIG_SET_XBZRLE_CACHE |   \
     QMPMIG_SET_DIRTY_LIMIT)
#define KNOWN_NEEDS                                                                                \
    (QMPMIG_NEEDS_DOWNTIME | QMPMIG_NEEDS_BANDWIDTH | QMPMIG_NEEDS_POSTCOPY | QMPMIG_NEEDS_TIME |  \
     QMPMIG_NEEDS_THROTTLE)
#define KNOWN_PLAN                                                                                 \
    (QMPMIG_PLAN_POSTCOPY | QMPMIG_PLAN_PREEMPT | QMPMIG_PLAN_THROTTLE | QMPMIG_PLAN_RAMP |        \
     QMPMIG_PLAN_XBZRLE | QMPMIG_PLAN_MULTIFD | QMPMIG_PLAN_COMPRESSION | QMPMIG_PLAN_DOWNTIME |   \
     QMPMIG_PLAN_BANDWIDTH)

/* --- nothing known, nothing set -------------------------------------------------------------- */

/* Fields of 8 bytes, or pairs of 4 where all bits set is no value: those are put right after. */
static void
fill_unknown (void *object, gsize size)
{
    memset (object, 0xff, size);
    memcpy (object, &(guint64){ size }, sizeof (guint64));
}

void
policy_default_sample (struct qmpmig_sample *sample)
{
    fill_unknown (sample, sizeof *sample);
    sample->why = sample->may = 0;
    sample->status = QMPMIG_STATUS_OTHER;
    sample->run_state = QMPMIG_RUN_STATE_OTHER;
    sample->limits.if_stuck = QMPMIG_STUCK_WAIT;
    sample->limits.postcopy = QMPMIG_POSTCOPY_NEVER;
}

void
policy_default_facts (struct qmpmig_facts *facts)
{
    fill_unknown (facts, sizeof *facts);
    facts->can = facts->chosen = facts->postcopy_blockers = facts->unthrottled_writers = 0;
    facts->limits.if_stuck = QMPMIG_STUCK_WAIT;
    facts->limits.postcopy = QMPMIG_POSTCOPY_NEVER;
}

void
policy_default_plan (struct qmpmig_plan *plan)
{
    fill_unknown (plan, sizeof *plan);
    plan->set = 0;
    memset (plan->reason, 0, sizeof plan->reason);
}

void
policy_default_advice (struct qmpmig_advice *advice)
{
    fill_unknown (advice, sizeof *advice);
    advice->set = advice->needs = advice->reason_code = 0;
    advice->action = QMPMIG_ACTION_NONE;
    advice->verdict = QMPMIG_VERDICT_UNKNOWN;
    memset (advice->reason, 0, sizeof advice->reason);
}

/* --- what a plugin wrote --------------------------------------------------------------------- */

/* A bit of MASK without its value says nothing. */
static void
drop_unknown (guint64 *set, guint64 mask, guint64 value)
{
    if (value == QMPMIG_UNKNOWN)
        *set &= ~mask;
}

static void
drop_beyond (guint64 *set, guint64 mask, guint64 value, guint64 max)
{
    if (value > max)
        *set &= ~mask;
}

/* A line is shown on terminals: an escape sequence must not get there, nor a line end. */
char *
policy_clean_text (const char *text, gsize size)
{
    g_autofree char *valid = g_utf8_make_valid (text, -1);
    GString *clean = g_string_new (NULL);

    for (const char *at = valid; *at; at = g_utf8_next_char (at)) {
        gunichar letter = g_utf8_get_char (at);
        gsize length = (gsize)(g_utf8_next_char (at) - at);
        GUnicodeType type = g_unichar_type (letter);

        if (clean->len + length >= size)
            break;
        if (type == G_UNICODE_CONTROL || type == G_UNICODE_FORMAT ||
            type == G_UNICODE_LINE_SEPARATOR || type == G_UNICODE_PARAGRAPH_SEPARATOR)
            g_string_append_c (clean, letter == '\n' || letter == '\t' ? ' ' : '?');
        else
            g_string_append_len (clean, at, (gssize)length);
    }
    return g_string_free (clean, FALSE);
}

static void
sanitise_reason (char *reason, gsize size)
{
    g_autofree char *text = g_strndup (reason, size);
    const char *end;
    g_autofree char *clean = NULL;

    /* A character cut in two by the size of the array is the plugin's haste, not nonsense. */
    if (strlen (text) >= size - 1 && !g_utf8_validate (text, -1, &end) &&
        g_utf8_get_char_validated (end, -1) == (gunichar)-2)
        text[end - text] = '\0';
    clean = policy_clean_text (text, size);
    memset (reason, 0, size);
    memcpy (reason, clean, strlen (clean));
}

void
policy_sanitise_advice (struct qmpmig_advice *advice)
{
    guint64 *set = &advice->set;

    advice->size = sizeof *advice;
    *set &= KNOWN_SET;
    drop_unknown (set, QMPMIG_SET_THROTTLE, advice->throttle_pct);
    drop_unknown (set, QMPMIG_SET_DOWNTIME, advice->downtime_limit_us);
    drop_unknown (set, QMPMIG_SET_BANDWIDTH, advice->bandwidth_bytes_per_s);
    drop_unknown (set, QMPMIG_SET_POSTCOPY_BANDWIDTH, advice->postcopy_bandwidth_bytes_per_s);
    drop_unknown (set, QMPMIG_SET_SWITCHOVER_BANDWIDTH, advice->switchover_bandwidth_bytes_per_s);
    drop_unknown (set, QMPMIG_SET_XBZRLE_CACHE, advice->xbzrle_cache_bytes);
    drop_unknown (set, QMPMIG_SET_DIRTY_LIMIT, advice->dirty_limit_bytes_per_s);
    if (*set & QMPMIG_SET_THROTTLE)
        advice->throttle_pct = MIN (advice->throttle_pct, 100);
    if (advice->needed_throttle_pct > 100)
        advice->needed_throttle_pct = QMPMIG_UNKNOWN;
    if (advice->action > QMPMIG_ACTION_CANCEL)
        advice->action = QMPMIG_ACTION_NONE;
    if (advice->verdict > QMPMIG_VERDICT_CANNOT)
        advice->verdict = QMPMIG_VERDICT_UNKNOWN;
    advice->needs &= KNOWN_NEEDS;
    sanitise_reason (advice->reason, sizeof advice->reason);
}

static void
sanitise_ramp (struct qmpmig_plan *plan)
{
    drop_beyond (&plan->set, QMPMIG_PLAN_RAMP, plan->ramp_initial_pct, 99);
    drop_beyond (&plan->set, QMPMIG_PLAN_RAMP, plan->ramp_increment_pct, 99);
    drop_beyond (&plan->set, QMPMIG_PLAN_RAMP, plan->ramp_max_pct, 99);
    drop_beyond (&plan->set, QMPMIG_PLAN_RAMP, plan->ramp_tailslow, 1);
    drop_beyond (&plan->set, QMPMIG_PLAN_RAMP, plan->ramp_trigger_pct, 100);
}

void
policy_sanitise_plan (struct qmpmig_plan *plan)
{
    guint64 *set = &plan->set;

    plan->size = sizeof *plan;
    *set &= KNOWN_PLAN;
    drop_beyond (set, QMPMIG_PLAN_POSTCOPY, plan->postcopy, 1);
    drop_beyond (set, QMPMIG_PLAN_PREEMPT, plan->preempt, 1);
    drop_beyond (set, QMPMIG_PLAN_THROTTLE, plan->throttle, QMPMIG_THROTTLE_DIRTY_LIMIT);
    drop_beyond (set, QMPMIG_PLAN_COMPRESSION, plan->compression, QMPMIG_COMPRESSION_ZSTD);
    drop_unknown (set, QMPMIG_PLAN_XBZRLE, plan->xbzrle_cache_bytes);
    drop_unknown (set, QMPMIG_PLAN_MULTIFD, plan->multifd_channels);
    drop_unknown (set, QMPMIG_PLAN_DOWNTIME, plan->downtime_limit_us);
    drop_unknown (set, QMPMIG_PLAN_BANDWIDTH, plan->bandwidth_bytes_per_s);
    sanitise_ramp (plan);
    sanitise_reason (plan->reason, sizeof plan->reason);
}
