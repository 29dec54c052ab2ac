/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Which parameters are set, to what, and why. */
#include <string.h>

#include "agent/migration/error.h"
#include "agent/migration/plan-internal.h"
#include "agent/migration/tls.h"
#include "qmp/value.h"

/* QEMU's auto-converge runs a vCPU for 10 ms and then lets it sleep: a cap on the longest sleep is
 * a cap on the throttle. */
#define THROTTLE_SLICE_US 10000

static PlanParameter *
find_parameter (const Plan *plan, End end, const char *name)
{
    for (guint i = 0; i < plan->parameters->len; i++) {
        PlanParameter *p = g_ptr_array_index (plan->parameters, i);

        if (p->end == end && g_str_equal (p->name, name))
            return p;
    }
    return NULL;
}

/* Takes VALUE and REASON. Given twice, the later one counts: --param comes last. */
static void
set_parameter (Plan *plan, const Vm *vm, const char *name, json_object *value, char *reason)
{
    PlanParameter *p = find_parameter (plan, vm->end, name);

    if (!p) {
        p = g_new0 (PlanParameter, 1);
        p->end = vm->end;
        p->name = g_strdup (name);
        p->before = json_object_get (qmp_peek (vm->parameters, name));
        g_ptr_array_add (plan->parameters, p);
    }
    json_object_put (p->value);
    g_free (p->reason);
    p->value = value;
    p->reason = reason;
}

static void
set_int (Plan *plan, const Vm *vm, const char *name, guint64 value, const char *reason)
{
    if (vm && vm_takes_parameter (vm, name))
        set_parameter (plan, vm, name, json_object_new_int64 ((gint64)value), g_strdup (reason));
}

static void
set_flag (Plan *plan, const Vm *vm, const char *name, gboolean value, const char *reason)
{
    if (vm && vm_takes_parameter (vm, name))
        set_parameter (plan, vm, name, json_object_new_boolean (value), g_strdup (reason));
}

static void
set_string (Plan *plan, const Vm *vm, const char *name, const char *value, const char *reason)
{
    if (vm && value)
        set_parameter (plan, vm, name, json_object_new_string (value), g_strdup (reason));
}

static void
choose_bandwidth (Planner *p)
{
    guint64 limit = p->options->bandwidth_bytes_per_s;
    gboolean unlimited = limit == UNITS_UNLIMITED;

    if (unlimited && planner_is_armed (p, QMPMIG_PLAN_BANDWIDTH) &&
        p->options->armed.bandwidth_bytes_per_s) {
        set_int (p->plan, p->source, "max-bandwidth", p->options->armed.bandwidth_bytes_per_s,
                 "the policy's");
        return;
    }
    set_int (p->plan, p->source, "max-bandwidth", unlimited ? 0 : limit,
             unlimited ? "unlimited, instead of QEMU's 128 MiB/s" : "--bandwidth");
    if (p->plan->postcopy != POSTCOPY_NEVER)
        set_int (p->plan, p->source, "max-postcopy-bandwidth", unlimited ? 0 : limit,
                 unlimited ? "as max-bandwidth" : "--bandwidth");
}

/* A large limit is spent as downtime: a fifth at first, the whole when another pass will not pay.
 */
static void
choose_downtime (Planner *p)
{
    guint64 first_us = MAX (p->options->max_downtime_us / 5, 1000);
    gboolean by_policy = planner_is_armed (p, QMPMIG_PLAN_DOWNTIME);

    if (by_policy)
        first_us = CLAMP (p->options->armed.downtime_limit_us, 1000, p->options->max_downtime_us);
    p->plan->first_downtime_limit_us = first_us;
    set_int (p->plan, p->source, "downtime-limit", first_us / 1000,
             by_policy ? "at first; raised only when another pass will not pay"
                       : "a fifth of --max-downtime at first; the policy may raise it");
}

guint
plan_throttle_cap (guint64 stall_us)
{
    return (guint)MAX (100 * stall_us / (stall_us + THROTTLE_SLICE_US), 1);
}

/* QEMU checks initial <= max. */
static void
choose_ramp (Planner *p)
{
    const struct qmpmig_plan *armed = &p->options->armed;
    guint64 most = MAX (p->plan->max_throttle_pct, 20);

    if (planner_is_armed (p, QMPMIG_PLAN_RAMP)) {
        most = MAX (MIN (armed->ramp_max_pct, p->plan->max_throttle_pct), 1);
        set_int (p->plan, p->source, "throttle-trigger-threshold", armed->ramp_trigger_pct,
                 "the policy's ramp");
        set_int (p->plan, p->source, "cpu-throttle-initial", MIN (armed->ramp_initial_pct, most),
                 "the policy's ramp");
        set_int (p->plan, p->source, "cpu-throttle-increment", armed->ramp_increment_pct,
                 "the policy's ramp");
        set_flag (p->plan, p->source, "cpu-throttle-tailslow", armed->ramp_tailslow != 0,
                  "the policy's ramp");
    }
    set_int (p->plan, p->source, "max-cpu-throttle", most, "the ramp ends there");
}

static void
choose_throttle (Planner *p)
{
    const MigrateOptions *o = p->options;
    guint64 stall_us = o->max_stall_us ? o->max_stall_us : o->max_downtime_us;

    p->plan->max_throttle_pct = MIN (plan_throttle_cap (stall_us), o->max_throttle_pct);
    if (!plan_capability (p->plan, END_SOURCE, "auto-converge"))
        return;
    if (planner_throttle (p) == THROTTLE_RAMP) {
        choose_ramp (p);
        return;
    }
    set_int (p->plan, p->source, "throttle-trigger-threshold", 100, "throttle parked");
    set_int (p->plan, p->source, "cpu-throttle-initial", 1, "throttle parked");
    set_int (p->plan, p->source, "cpu-throttle-increment", 1, "throttle parked");
    set_int (p->plan, p->source, "max-cpu-throttle", 1, "throttle parked");
}

static gboolean
choose_compression (Planner *p, const Vm *vm, GError **error)
{
    const MigrateOptions *o = p->options;
    g_autofree char *level = NULL;

    if (!vm || !o->compress_method)
        return TRUE;
    if (!vm->schema || !schema_has_compression (vm->schema, o->compress_method))
        return migrate_fail (error, EXIT_REFUSED,
                             "%s: QEMU %s there has no multifd compression \"%s\"",
                             end_name (vm->end), vm->version, o->compress_method);
    set_string (p->plan, vm, "multifd-compression", o->compress_method, "--compress");
    if (o->compress_level < 0 || vm->end != END_SOURCE)
        return TRUE;
    level = g_strdup_printf ("multifd-%s-level", o->compress_method);
    if (!vm_takes_parameter (vm, level))
        return migrate_fail (error, EXIT_REFUSED, "source: QEMU %s has no levels for %s",
                             vm->version, o->compress_method);
    set_int (p->plan, vm, level, (guint64)o->compress_level, "--compress");
    return TRUE;
}

static gboolean
choose_multifd (Planner *p, GError **error)
{
    const MigrateOptions *o = p->options;

    if (o->multifd_channels) {
        set_int (p->plan, p->source, "multifd-channels", o->multifd_channels, "--multifd");
        set_int (p->plan, p->destination, "multifd-channels", o->multifd_channels, "--multifd");
    } else if (planner_is_armed (p, QMPMIG_PLAN_MULTIFD) &&
               plan_capability (p->plan, END_SOURCE, "multifd")) {
        set_int (p->plan, p->source, "multifd-channels", o->armed.multifd_channels, "policy");
        set_int (p->plan, p->destination, "multifd-channels", o->armed.multifd_channels, "policy");
    }
    if (o->xbzrle && o->xbzrle_cache_bytes)
        set_int (p->plan, p->source, "xbzrle-cache-size", o->xbzrle_cache_bytes, "--xbzrle");
    else if (!o->xbzrle && plan_capability (p->plan, END_SOURCE, "xbzrle") &&
             planner_is_armed (p, QMPMIG_PLAN_XBZRLE))
        set_int (p->plan, p->source, "xbzrle-cache-size", o->armed.xbzrle_cache_bytes,
                 "at first; the policy may let it grow");
    return choose_compression (p, p->source, error) &&
           choose_compression (p, p->destination, error);
}

static void
choose_tls (Planner *p)
{
    const TlsOptions *tls = &p->options->tls;

    if (tls->kind == TLS_NONE)
        return;
    set_string (p->plan, p->source, "tls-creds", TLS_CREDS_ID, "--tls");
    set_string (p->plan, p->source, "tls-hostname", tls->hostname, "--tls");
    set_string (p->plan, p->destination, "tls-creds", TLS_CREDS_ID, "--tls");
    if (tls->authz)
        set_string (p->plan, p->destination, "tls-authz", tls_authz_id (tls), "--tls");
}

/* VALUE as QEMU wants it: of the type that the parameter has now, else by its looks. */
static json_object *
typed_value (const Vm *vm, const char *name, const char *value)
{
    json_object *now = qmp_peek (vm->parameters, name);
    gint64 number;
    gboolean flag;

    if (!json_object_is_type (now, json_type_string) &&
        !json_object_is_type (now, json_type_boolean) &&
        g_ascii_string_to_signed (value, 10, G_MININT64, G_MAXINT64, &number, NULL))
        return json_object_new_int64 (number);
    if (!json_object_is_type (now, json_type_string) && units_parse_bool (name, value, &flag, NULL))
        return json_object_new_boolean (flag);
    return json_object_new_string (value);
}

static gboolean
choose_named (Planner *p, const Vm *vm, GError **error)
{
    const GPtrArray *named = p->options->parameters;

    for (guint i = 0; vm && i < named->len; i++) {
        const NamedValue *param = g_ptr_array_index (named, i);

        if (!vm_takes_parameter (vm, param->name))
            return migrate_fail (error, EXIT_REFUSED, "%s: QEMU %s there has no parameter \"%s\"",
                                 end_name (vm->end), vm->version, param->name);
        set_parameter (p->plan, vm, param->name, typed_value (vm, param->name, param->value),
                       g_strdup ("--param"));
    }
    return TRUE;
}

gboolean
plan_choose_parameters (Planner *p, GError **error)
{
    choose_bandwidth (p);
    choose_downtime (p);
    choose_throttle (p);
    choose_tls (p);
    return choose_multifd (p, error) && choose_named (p, p->source, error) &&
           choose_named (p, p->destination, error);
}
