/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "agent/steering/helm.h"

#include "agent/steering/guard.h"
#include "qmp/value.h"

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
is_asked_again (const Helm *self, const struct qmpmig_advice *advice)
{
    struct qmpmig_advice before = self->advised;

    for (guint i = 0; self->observes && i < G_N_ELEMENTS (advice_fields); i++) {
        gsize at = advice_fields[i].offset;

        if ((advice->set & advice_fields[i].set) &&
            *(const guint64 *)((const char *)advice + at) !=
                *(const guint64 *)((const char *)&before + at))
            return FALSE;
    }
    return self->observes && advice->set == before.set && advice->action == before.action;
}

/* Worth a line: something is turned, or what is foreseen has changed. */
static gboolean
is_news (const Helm *self, const struct qmpmig_advice *advice)
{
    if (is_asked_again (self, advice))
        return advice->verdict != self->advised.verdict;
    return advice->set || advice->action != QMPMIG_ACTION_NONE ||
           advice->verdict != self->advised.verdict ||
           advice->reason_code != self->advised.reason_code;
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
        helm_add_throttle (to, (guint)a->throttle_pct);
    return to;
}

static gboolean
act_on (Helm *self, Tracker *tracker, const struct qmpmig_advice *advice, GPtrArray *changed,
        const HelmShip *ship, gpointer data, GError **error)
{
    g_autoptr (json_object) arguments = arguments_of (advice);

    if ((json_object_object_length (arguments) > 0 || changed->len > 0) &&
        !ship->apply (data, g_steal_pointer (&arguments), changed, error))
        return FALSE;
    if (advice->set & QMPMIG_SET_THROTTLE)
        helm_note_throttle (self, tracker, (guint)advice->throttle_pct);
    return advice->action == QMPMIG_ACTION_NONE ||
           ship->act (data, (enum qmpmig_action)advice->action, error);
}

static void G_GNUC_PRINTF (5, 6) tell (const HelmShip *ship, gpointer data, const char *level,
                                       const char *code, const char *format, ...)
{
    g_autofree char *text = NULL;
    va_list args;

    va_start (args, format);
    text = g_strdup_vprintf (format, args);
    va_end (args);
    ship->notice (data, level, code, text);
}

/* In no time, as the migration sees it. */
static PolicyAnswer
wait_for_answer (const Helm *self, const Sample *sample, struct qmpmig_advice *ret_advice,
                 char **ret_text)
{
    PolicyAnswer answer = policy_decide (self->policy, sample, ret_advice, ret_text);

    while (self->waits && answer == POLICY_PENDING) {
        g_clear_pointer (ret_text, g_free);
        g_usleep (POLICY_PATIENCE_US / 100);
        answer = policy_decide (self->policy, sample, ret_advice, ret_text);
    }
    return answer;
}

/* TRUE with something to look at in *ret_advice. */
static gboolean
ask (Helm *self, const Sample *sample, struct qmpmig_advice *ret_advice, const HelmShip *ship,
     gpointer data)
{
    const char *name = policy_name (self->policy);
    g_autofree char *text = NULL;

    switch (wait_for_answer (self, sample, ret_advice, &text)) {
    case POLICY_ADVISED:
        return TRUE;
    case POLICY_SILENT:
        return FALSE;
    case POLICY_PENDING:
        if (!self->slow)
            tell (ship, data, "warning", "policy-slow", "policy %s takes over 100 ms to decide",
                  name);
        self->slow = TRUE;
        return FALSE;
    case POLICY_FAILED:
    case POLICY_ABANDONED:
        tell (ship, data, "warning", "policy-lost",
              "policy %s: %s; the migration goes on with what is set", name,
              text ? text : "it does not answer");
        self->lost = TRUE;
        return FALSE;
    }
    return FALSE;
}

/* What it has to say for itself goes to the record. */
static void
hear_policy (const Helm *self, const HelmShip *ship, gpointer data)
{
    char *text;

    while ((text = policy_take_log (self->policy))) {
        tell (ship, data, "info", "policy-log", "policy %s: %s", policy_name (self->policy), text);
        g_free (text);
    }
}

/* It may want to be left alone for a while; what happens meanwhile it hears of all the same. */
static gboolean
is_left_alone (const Helm *self, const Sample *s)
{
    return s->why == QMPMIG_WHY_CLOCK && s->now_us < self->ask_again_us;
}

static void
note_when_to_ask (Helm *self, const Sample *s, guint64 ask_again_us)
{
    self->ask_again_us = ask_again_us == QMPMIG_UNKNOWN ? 0 : s->now_us + ask_again_us;
}

gboolean
helm_steer (Helm *self, Tracker *tracker, const HelmShip *ship, gpointer data, GError **error)
{
    g_autoptr (GPtrArray) changed = g_ptr_array_new_with_free_func (g_free);
    const Sample *sample = &tracker->last;
    struct qmpmig_advice advice;
    gboolean advised;

    if (!self->policy || self->lost)
        return TRUE;
    if (!helm_prime_throttle (self, tracker, ship, data, error))
        return FALSE;
    if (is_left_alone (self, sample))
        return TRUE;
    advised = ask (self, sample, &advice, ship, data);
    hear_policy (self, ship, data);
    note_when_to_ask (self, sample, advice.ask_again_us);
    if (!advised)
        return TRUE;
    tracker_take_forecast (tracker, &advice);
    if (is_news (self, &advice))
        ship->post (data, "advice", advice_to_json (&advice));
    self->advised = advice;
    if (self->observes)
        return TRUE;
    guard_advice (sample, &advice, changed);
    return act_on (self, tracker, &advice, changed, ship, data, error);
}
