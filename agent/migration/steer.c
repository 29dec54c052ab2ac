/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* The policy at the helm of a real migration: what it may turn, and how that reaches QEMU. */
#include "agent/migration/error.h"
#include "agent/migration/migration.h"

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
    set_knob (&may, QMPMIG_MAY_THROTTLE_UP | QMPMIG_MAY_THROTTLE_DOWN,
              m->helm.steers_throttle && live);
    set_knob (&may, QMPMIG_MAY_POSTCOPY, m->limits.postcopy != QMPMIG_POSTCOPY_NEVER && live);
    set_knob (&may, QMPMIG_MAY_SWITCHOVER_BANDWIDTH,
              vm_takes_parameter (m->source, "avail-switchover-bandwidth"));
    set_knob (&may, QMPMIG_MAY_XBZRLE_CACHE, m->tracker.last.xbzrle_pages != SAMPLE_UNKNOWN);
    set_knob (&may, QMPMIG_MAY_PAUSE_GUEST, m->limits.if_stuck == QMPMIG_STUCK_PAUSE_GUEST && live);
    set_knob (&may, QMPMIG_MAY_CANCEL, m->limits.if_stuck == QMPMIG_STUCK_CANCEL);
    return may;
}

static gboolean
apply (gpointer data, json_object *arguments, GPtrArray *changed, GError **error)
{
    return migration_apply (data, arguments, changed, error);
}

static gboolean
act (gpointer data, enum qmpmig_action action, GError **error)
{
    Migration *m = data;

    switch (action) {
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
post (gpointer data, const char *type, json_object *body)
{
    migration_post (data, type, body);
}

static void
notice (gpointer data, const char *level, const char *code, const char *text)
{
    migration_notice (data, level, code, "%s", text);
}

static const HelmShip ship = { apply, act, post, notice };

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
    if (m->status != STATUS_ACTIVE)
        return TRUE;
    switch_as_ordered (m);
    if (m->helm.policy && !m->helm.lost)
        migration_sample_dirtying (m);
    return helm_steer (&m->helm, &m->tracker, &ship, m, error);
}
