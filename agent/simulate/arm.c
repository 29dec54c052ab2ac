/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "agent/simulate/arm.h"

#include "agent/migration/plan.h"
#include "qmp/value.h"

void
arm_limits (const MigrateOptions *o, Limits *limits)
{
    guint64 stall_us = o->max_stall_us ? o->max_stall_us : o->max_downtime_us;
    guint64 rate = o->bandwidth_bytes_per_s;

    *limits = (Limits){
        .max_downtime_us = o->max_downtime_us,
        .max_stall_us = stall_us,
        .deadline_us = o->deadline_us,
        .max_throttle_pct = MIN (plan_throttle_cap (stall_us), o->max_throttle_pct),
        .bandwidth_bytes_per_s = rate == UNITS_UNLIMITED ? 0 : rate,
        .if_stuck = o->if_stuck,
        .postcopy = o->postcopy == POSTCOPY_NEVER ? QMPMIG_POSTCOPY_NEVER
                    : o->postcopy == POSTCOPY_NOW ? QMPMIG_POSTCOPY_NOW
                                                  : QMPMIG_POSTCOPY_FALLBACK,
    };
}

static void
fill_context (const Simulation *s, struct qmpmig_context *context)
{
    double pages = 0;

    for (guint i = 0; i < s->workload->areas->len; i++)
        pages += g_array_index (s->workload->areas, Area, i).pages;
    *context = (struct qmpmig_context){ .size = sizeof *context,
                                        .qemu_major = s->thread.qemu_major,
                                        .qemu_minor = s->thread.qemu_minor,
                                        .kind = QMPMIG_KIND_SIMULATED,
                                        .ram_bytes = (guint64)(pages * SIM_PAGE),
                                        .vcpus = s->thread.vcpus,
                                        .page_size_bytes = (guint64)SIM_PAGE,
                                        .seed = s->seed };
    g_strlcpy (context->vm_name, "simulated", sizeof context->vm_name);
    g_strlcpy (context->accelerator, s->thread.kvm ? "kvm" : "tcg", sizeof context->accelerator);
}

static gboolean
is_from (const ThreadSetup *t, guint major, guint minor)
{
    return t->qemu_major > major || (t->qemu_major == major && t->qemu_minor >= minor);
}

static void
fill_facts (const Simulation *s, const Limits *limits, struct qmpmig_facts *facts)
{
    policy_default_facts (facts);
    facts->can = QMPMIG_CAN_THROTTLE | QMPMIG_CAN_XBZRLE | QMPMIG_CAN_POSTCOPY |
                 QMPMIG_CAN_PREEMPT | QMPMIG_CAN_MULTIFD |
                 (is_from (&s->thread, 8, 2) ? QMPMIG_CAN_SWITCHOVER_BANDWIDTH : 0);
    facts->link_bytes_per_s = (guint64)s->link.bytes_per_s;
    facts->chosen = s->options->xbzrle ? QMPMIG_CAN_XBZRLE : 0;
    facts->postcopy_blockers =
        limits->postcopy == QMPMIG_POSTCOPY_NEVER ? QMPMIG_BLOCKER_OPERATOR : 0;
    facts->limits = (struct qmpmig_limits){
        .max_downtime_us = limits->max_downtime_us,
        .max_stall_us = limits->max_stall_us,
        .deadline_left_us = limits->deadline_us ? limits->deadline_us : QMPMIG_UNKNOWN,
        .abort_left_us = QMPMIG_UNKNOWN,
        .max_throttle_pct = limits->max_throttle_pct,
        .max_bandwidth_bytes_per_s = limits->bandwidth_bytes_per_s,
        .if_stuck = limits->if_stuck,
        .postcopy = limits->postcopy,
    };
}

static void
add_int (json_object *to, const char *name, guint64 value)
{
    json_object_object_add (to, name, json_object_new_uint64 (value));
}

static void
add_ramp (json_object *to, const struct qmpmig_plan *plan, const Limits *limits)
{
    guint64 most = MAX (limits->max_throttle_pct, 20);

    if (plan->set & QMPMIG_PLAN_RAMP) {
        most = MAX (MIN (plan->ramp_max_pct, limits->max_throttle_pct), 1);
        add_int (to, "throttle-trigger-threshold", plan->ramp_trigger_pct);
        add_int (to, "cpu-throttle-initial", MIN (plan->ramp_initial_pct, most));
        add_int (to, "cpu-throttle-increment", plan->ramp_increment_pct);
        json_object_object_add (to, "cpu-throttle-tailslow",
                                json_object_new_boolean (plan->ramp_tailslow != 0));
    }
    add_int (to, "max-cpu-throttle", most);
}

static void
add_throttle (json_object *to, const struct qmpmig_plan *plan, const Limits *limits,
              enum qmpmig_throttle kind)
{
    if (kind == QMPMIG_THROTTLE_RAMP)
        add_ramp (to, plan, limits);
    if (kind != QMPMIG_THROTTLE_STEERED)
        return;
    add_int (to, "throttle-trigger-threshold", 100);
    add_int (to, "cpu-throttle-initial", 1);
    add_int (to, "cpu-throttle-increment", 1);
    add_int (to, "max-cpu-throttle", 1);
}

static json_object *
first_parameters (const struct qmpmig_plan *plan, const Limits *limits, enum qmpmig_throttle kind)
{
    json_object *to = json_object_new_object ();
    guint64 first_us = MAX (limits->max_downtime_us / 5, 1000), rate;

    if (plan->set & QMPMIG_PLAN_DOWNTIME)
        first_us = CLAMP (plan->downtime_limit_us, 1000, limits->max_downtime_us);
    add_int (to, "downtime-limit", first_us / 1000);
    rate = limits->bandwidth_bytes_per_s;
    if (rate == 0 && (plan->set & QMPMIG_PLAN_BANDWIDTH))
        rate = plan->bandwidth_bytes_per_s;
    add_int (to, "max-bandwidth", rate);
    add_int (to, "max-postcopy-bandwidth", limits->bandwidth_bytes_per_s);
    add_throttle (to, plan, limits, kind);
    return to;
}

static enum qmpmig_throttle
throttle_kind (const MigrateOptions *o, const struct qmpmig_plan *plan)
{
    switch (o->throttle) {
    case THROTTLE_OFF:
        return QMPMIG_THROTTLE_NONE;
    case THROTTLE_RAMP:
        return QMPMIG_THROTTLE_RAMP;
    case THROTTLE_STEER:
        break;
    }
    return plan->set & QMPMIG_PLAN_THROTTLE ? (enum qmpmig_throttle)plan->throttle
                                            : QMPMIG_THROTTLE_STEERED;
}

/* As plan-capabilities.c grants it. */
static guint
channels (const MigrateOptions *o, const struct qmpmig_plan *plan, const ThreadSetup *setup)
{
    gboolean may = !o->xbzrle && (!setup->postcopy || is_from (setup, 10, 1));

    return may && (plan->set & QMPMIG_PLAN_MULTIFD) ? (guint)plan->multifd_channels : 0;
}

static void
arm_thread (const MigrateOptions *o, const struct qmpmig_plan *plan, ThreadSetup *setup,
            Limits *limits)
{
    if ((plan->set & QMPMIG_PLAN_POSTCOPY) && !plan->postcopy && o->postcopy == POSTCOPY_AUTO)
        limits->postcopy = QMPMIG_POSTCOPY_NEVER;
    setup->postcopy = limits->postcopy != QMPMIG_POSTCOPY_NEVER;
    setup->channels = channels (o, plan, setup);
    setup->preempt = setup->postcopy && !setup->channels && is_from (setup, 7, 1) &&
                     !((plan->set & QMPMIG_PLAN_PREEMPT) && !plan->preempt);
    if (setup->channels)
        return;
    if (o->xbzrle)
        setup->xbzrle_cache_bytes =
            o->xbzrle_cache_bytes ? o->xbzrle_cache_bytes : 64 * 1024 * 1024;
    else if (plan->set & QMPMIG_PLAN_XBZRLE)
        setup->xbzrle_cache_bytes = plan->xbzrle_cache_bytes;
}

static guint64
knobs (const ThreadSetup *setup, const Limits *limits, gboolean steers)
{
    guint64 may = QMPMIG_MAY_DOWNTIME | QMPMIG_MAY_BANDWIDTH;

    may |= steers ? QMPMIG_MAY_THROTTLE_UP | QMPMIG_MAY_THROTTLE_DOWN : 0;
    may |= setup->postcopy ? QMPMIG_MAY_POSTCOPY : 0;
    may |= is_from (setup, 8, 2) ? QMPMIG_MAY_SWITCHOVER_BANDWIDTH : 0;
    may |= setup->xbzrle_cache_bytes ? QMPMIG_MAY_XBZRLE_CACHE : 0;
    may |= limits->if_stuck == QMPMIG_STUCK_PAUSE_GUEST ? QMPMIG_MAY_PAUSE_GUEST : 0;
    may |= limits->if_stuck == QMPMIG_STUCK_CANCEL ? QMPMIG_MAY_CANCEL : 0;
    return may;
}

static gboolean
configure (Policy *policy, const GPtrArray *keys, GError **error)
{
    for (guint i = 0; i < keys->len; i++) {
        const NamedValue *pair = g_ptr_array_index (keys, i);

        if (!policy_configure (policy, pair->name, pair->value, error))
            return FALSE;
    }
    return policy_complete (policy, error);
}

Policy *
arm_policy (const Simulation *s, ThreadSetup *setup, Limits *ret_limits,
            gboolean *ret_steers_throttle, guint64 *ret_may, json_object **ret_parameters,
            GError **error)
{
    g_autoptr (Policy) policy = NULL;
    struct qmpmig_context context;
    struct qmpmig_facts facts;
    struct qmpmig_plan plan;
    enum qmpmig_throttle kind;

    arm_limits (s->options, ret_limits);
    fill_context (s, &context);
    fill_facts (s, ret_limits, &facts);
    policy = policy_load (s->options->policy, &context, error);
    if (!policy || !configure (policy, s->options->policy_keys, error) ||
        !policy_plan (policy, &facts, &plan, error))
        return NULL;
    kind = throttle_kind (s->options, &plan);
    setup->auto_converge = kind != QMPMIG_THROTTLE_NONE;
    arm_thread (s->options, &plan, setup, ret_limits);
    *ret_steers_throttle = kind == QMPMIG_THROTTLE_STEERED;
    *ret_may = knobs (setup, ret_limits, *ret_steers_throttle);
    *ret_parameters = first_parameters (&plan, ret_limits, kind);
    return g_steal_pointer (&policy);
}

/* --- as a record has it ---------------------------------------------------------------------- */

static void
add_setting (json_object *list, const char *name, json_object *value)
{
    json_object_array_add (list, qmp_object ("end", json_object_new_string ("source"), "name",
                                             json_object_new_string (name), "value", value,
                                             "reason", json_object_new_string ("simulated"), NULL));
}

static json_object *
capabilities_to_json (const ThreadSetup *setup)
{
    json_object *list = json_object_new_array ();

    add_setting (list, "auto-converge", json_object_new_boolean (setup->auto_converge));
    add_setting (list, "xbzrle", json_object_new_boolean (setup->xbzrle_cache_bytes > 0));
    add_setting (list, "postcopy-ram", json_object_new_boolean (setup->postcopy));
    add_setting (list, "postcopy-preempt", json_object_new_boolean (setup->preempt));
    add_setting (list, "multifd", json_object_new_boolean (setup->channels > 0));
    return list;
}

json_object *
arm_to_json (const ThreadSetup *setup, json_object *parameters, gboolean postcopy_now)
{
    json_object *list = json_object_new_array ();
    const char *postcopy = !setup->postcopy ? "never" : postcopy_now ? "now" : "fallback";

    json_object_object_foreach (parameters, name, value)
        add_setting (list, name, json_object_get (value));
    if (setup->channels)
        add_setting (list, "multifd-channels", json_object_new_uint64 (setup->channels));
    if (setup->xbzrle_cache_bytes && !qmp_peek (parameters, "xbzrle-cache-size"))
        add_setting (list, "xbzrle-cache-size", json_object_new_uint64 (setup->xbzrle_cache_bytes));
    return qmp_object ("capabilities", capabilities_to_json (setup), "parameters", list, "warnings",
                       json_object_new_array (), "postcopy", json_object_new_string (postcopy),
                       "dry_run", json_object_new_boolean (FALSE), NULL);
}
