/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* The policy's seat: it is shown each sample, and what it advises goes through the guard rails to
 * QEMU, all of one advice in one command. A policy that fails or does not answer loses its seat:
 * the migration goes on with what is set. */
#include "agent/migration/error.h"
#include "agent/migration/migration.h"
#include "agent/steering/guard.h"
#include "qmp/value.h"

static void
set_knob (guint64 *may, guint64 bits, gboolean is_there)
{
    if (is_there)
        *may |= bits;
}

guint64
migration_knobs (const Migration *m)
{
    gboolean goes = m->status == STATUS_ACTIVE && !m->continued;
    gboolean live = run_state_is_live (m->source_run_state);
    guint64 may = 0;

    if (!goes)
        return 0;
    set_knob (&may, QMPMIG_MAY_DOWNTIME | QMPMIG_MAY_BANDWIDTH, TRUE);
    set_knob (&may, QMPMIG_MAY_THROTTLE_UP | QMPMIG_MAY_THROTTLE_DOWN, m->steers_throttle && live);
    set_knob (&may, QMPMIG_MAY_POSTCOPY, m->limits.postcopy != QMPMIG_POSTCOPY_NEVER && live);
    set_knob (&may, QMPMIG_MAY_SWITCHOVER_BANDWIDTH,
              vm_takes_parameter (m->source, "avail-switchover-bandwidth"));
    set_knob (&may, QMPMIG_MAY_XBZRLE_CACHE, m->tracker.last.xbzrle_pages != SAMPLE_UNKNOWN);
    set_knob (&may, QMPMIG_MAY_PAUSE_GUEST, m->limits.if_stuck == QMPMIG_STUCK_PAUSE_GUEST && live);
    set_knob (&may, QMPMIG_MAY_CANCEL, m->limits.if_stuck == QMPMIG_STUCK_CANCEL);
    return may;
}

static const char *
action_name (guint64 action)
{
    static const char *const names[] = {
        [QMPMIG_ACTION_NONE] = "none",
        [QMPMIG_ACTION_POSTCOPY] = "postcopy",
        [QMPMIG_ACTION_PAUSE_GUEST] = "pause-guest",
        [QMPMIG_ACTION_CANCEL] = "cancel",
    };

    return action < G_N_ELEMENTS (names) ? names[action] : names[0];
}

static const struct {
    const char *name;
    gsize offset;
    guint64 set; /* 0: whenever it is known */
} advice_fields[] = {
#define KNOB(name, bit)                                                                            \
    {                                                                                              \
#name, offsetof(struct qmpmig_advice, name), bit                                           \
    }
    KNOB (throttle_pct, QMPMIG_SET_THROTTLE),
    KNOB (downtime_limit_us, QMPMIG_SET_DOWNTIME),
    KNOB (bandwidth_bytes_per_s, QMPMIG_SET_BANDWIDTH),
    KNOB (postcopy_bandwidth_bytes_per_s, QMPMIG_SET_POSTCOPY_BANDWIDTH),
    KNOB (switchover_bandwidth_bytes_per_s, QMPMIG_SET_SWITCHOVER_BANDWIDTH),
    KNOB (xbzrle_cache_bytes, QMPMIG_SET_XBZRLE_CACHE),
    KNOB (dirty_limit_bytes_per_s, QMPMIG_SET_DIRTY_LIMIT),
    KNOB (needs, 0),
    KNOB (needed_downtime_us, 0),
    KNOB (needed_bandwidth_bytes_per_s, 0),
    KNOB (needed_throttle_pct, 0),
    KNOB (remaining_us, 0),
    KNOB (remaining_p90_us, 0),
    KNOB (blackout_us, 0),
    KNOB (blackout_p90_us, 0),
    KNOB (work_lost_us, 0),
#undef KNOB
};

static json_object *
advice_to_json (const struct qmpmig_advice *advice)
{
    json_object *line =
        qmp_object ("reason_code", json_object_new_uint64 (advice->reason_code), "reason",
                    json_object_new_string (advice->reason), "action",
                    json_object_new_string (action_name (advice->action)), "verdict",
                    json_object_new_string (verdict_name (advice->verdict)), NULL);

    for (guint i = 0; i < G_N_ELEMENTS (advice_fields); i++) {
        guint64 value = *(const guint64 *)((const char *)advice + advice_fields[i].offset);

        if (value != QMPMIG_UNKNOWN &&
            (!advice_fields[i].set || (advice->set & advice_fields[i].set)))
            json_object_object_add (line, advice_fields[i].name, json_object_new_uint64 (value));
    }
    return line;
}

/* Nobody has turned what was asked for before. */
static gboolean
is_asked_again (const Migration *m, const struct qmpmig_advice *advice)
{
    struct qmpmig_advice before = m->advised;

    for (guint i = 0; m->observes && i < G_N_ELEMENTS (advice_fields); i++) {
        gsize at = advice_fields[i].offset;

        if ((advice->set & advice_fields[i].set) &&
            *(const guint64 *)((const char *)advice + at) !=
                *(const guint64 *)((const char *)&before + at))
            return FALSE;
    }
    return m->observes && advice->set == before.set && advice->action == before.action;
}

/* Worth a line: something is turned, or what is foreseen has changed. */
static gboolean
is_news (const Migration *m, const struct qmpmig_advice *advice)
{
    if (is_asked_again (m, advice))
        return advice->verdict != m->advised.verdict;
    return advice->set || advice->action != QMPMIG_ACTION_NONE ||
           advice->verdict != m->advised.verdict || advice->reason_code != m->advised.reason_code;
}

static void
add_knob (json_object *to, const struct qmpmig_advice *a, guint64 bit, const char *name,
          guint64 value)
{
    if (a->set & bit)
        json_object_object_add (to, name, json_object_new_uint64 (value));
}

static json_object *
arguments_of (const struct qmpmig_advice *a)
{
    json_object *to = json_object_new_object ();

    add_knob (to, a, QMPMIG_SET_DOWNTIME, "downtime-limit", a->downtime_limit_us / 1000);
    add_knob (to, a, QMPMIG_SET_BANDWIDTH, "max-bandwidth", a->bandwidth_bytes_per_s);
    add_knob (to, a, QMPMIG_SET_POSTCOPY_BANDWIDTH, "max-postcopy-bandwidth",
              a->postcopy_bandwidth_bytes_per_s);
    add_knob (to, a, QMPMIG_SET_SWITCHOVER_BANDWIDTH, "avail-switchover-bandwidth",
              a->switchover_bandwidth_bytes_per_s);
    add_knob (to, a, QMPMIG_SET_XBZRLE_CACHE, "xbzrle-cache-size", a->xbzrle_cache_bytes);
    if (a->set & QMPMIG_SET_THROTTLE)
        migration_add_throttle (to, (guint)a->throttle_pct);
    return to;
}

static gboolean
act_on (Migration *m, const struct qmpmig_advice *advice, GPtrArray *changed, GError **error)
{
    g_autoptr (json_object) arguments = arguments_of (advice);

    if ((json_object_object_length (arguments) > 0 || changed->len > 0) &&
        !migration_apply (m, g_steal_pointer (&arguments), changed, error))
        return FALSE;
    if (advice->set & QMPMIG_SET_THROTTLE)
        migration_note_throttle (m, (guint)advice->throttle_pct);
    switch ((enum qmpmig_action)advice->action) {
    case QMPMIG_ACTION_NONE:
        return TRUE;
    case QMPMIG_ACTION_POSTCOPY:
        m->postcopy_wanted = TRUE;
        return TRUE;
    case QMPMIG_ACTION_PAUSE_GUEST:
        return migration_pause_guest (m, error);
    case QMPMIG_ACTION_CANCEL:
        m->cancel_wanted = TRUE;
        return TRUE;
    }
    return TRUE;
}

static void
lose_policy (Migration *m, const char *why)
{
    migration_notice (m, "warning", "policy-lost",
                      "policy %s: %s; the migration goes on with what is set",
                      policy_name (m->policy), why);
    m->policy_lost = TRUE;
}

/* TRUE with something to look at in *ret_advice. */
static gboolean
ask (Migration *m, struct qmpmig_advice *ret_advice)
{
    g_autofree char *text = NULL;

    switch (policy_decide (m->policy, &m->tracker.last, ret_advice, &text)) {
    case POLICY_ADVISED:
        return TRUE;
    case POLICY_SILENT:
        return FALSE;
    case POLICY_PENDING:
        if (!m->policy_slow)
            migration_notice (m, "warning", "policy-slow", "policy %s takes over 100 ms to decide",
                              policy_name (m->policy));
        m->policy_slow = TRUE;
        return FALSE;
    case POLICY_FAILED:
    case POLICY_ABANDONED:
        lose_policy (m, text ? text : "it does not answer");
        return FALSE;
    }
    return FALSE;
}

/* What it has to say for itself goes to the record. */
static void
hear_policy (Migration *m)
{
    char *text;

    while ((text = policy_take_log (m->policy))) {
        migration_notice (m, "info", "policy-log", "policy %s: %s", policy_name (m->policy), text);
        g_free (text);
    }
}

/* It may want to be left alone for a while; what happens meanwhile it hears of all the same. */
static gboolean
is_left_alone (const Migration *m)
{
    const Sample *s = &m->tracker.last;

    return s->why == QMPMIG_WHY_CLOCK && s->now_us < m->ask_again_us;
}

static void
note_when_to_ask (Migration *m, guint64 ask_again_us)
{
    m->ask_again_us = ask_again_us == QMPMIG_UNKNOWN ? 0 : m->tracker.last.now_us + ask_again_us;
}

/* The operator's order, above every policy. */
static void
switch_as_ordered (Migration *m)
{
    if (m->postcopy_wanted || m->limits.postcopy != QMPMIG_POSTCOPY_NOW || m->tracker.passes == 0 ||
        !run_state_is_live (m->source_run_state))
        return;
    migration_notice (m, "info", "postcopy-now", "the first pass is over (--postcopy now)");
    m->postcopy_wanted = TRUE;
}

gboolean
migration_steer (Migration *m, GError **error)
{
    g_autoptr (GPtrArray) changed = g_ptr_array_new_with_free_func (g_free);
    struct qmpmig_advice advice;
    gboolean advised;

    if (m->status != STATUS_ACTIVE)
        return TRUE;
    switch_as_ordered (m);
    if (!m->policy || m->policy_lost)
        return TRUE;
    migration_sample_dirtying (m);
    if (!migration_prime_throttle (m, error))
        return FALSE;
    if (is_left_alone (m))
        return TRUE;
    advised = ask (m, &advice);
    hear_policy (m);
    note_when_to_ask (m, advice.ask_again_us);
    if (!advised)
        return TRUE;
    tracker_take_forecast (&m->tracker, &advice);
    if (is_news (m, &advice))
        migration_post (m, "advice", advice_to_json (&advice));
    m->advised = advice;
    if (m->observes)
        return TRUE;
    guard_advice (&m->tracker.last, &advice, changed);
    return act_on (m, &advice, changed, error);
}
