/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Which capabilities are on: what was wished for, where it can be had and goes together. */
#include "agent/migration/capability.h"
#include "agent/migration/error.h"
#include "agent/migration/plan-wishes.h"

static gboolean
is_on_side (const Capability *c, End end)
{
    return (c->sides & (end == END_SOURCE ? SIDES_SOURCE : SIDES_DESTINATION)) != 0;
}

/* What was asked for must be there on every reachable end that has to set it. */
static gboolean
check_reported (const Planner *p, const char *name, GError **error)
{
    const Capability *known = capability_find (name);

    for (End end = END_SOURCE; end <= END_DESTINATION; end++) {
        const Vm *vm = planner_vm (p, end);

        if (!vm || vm_reports (vm, name) || (known && !is_on_side (known, end)))
            continue;
        return migrate_fail (error, EXIT_REFUSED, "%s: QEMU %s there has no capability \"%s\"%s%s",
                             end_name (end), vm->version, name,
                             known && *known->since ? "; it came with QEMU " : "",
                             known ? known->since : "");
    }
    return TRUE;
}

static gboolean
check_wishes (const Planner *p, GHashTable *wishes, GError **error)
{
    GHashTableIter iter;
    const char *name;
    Wish *wish;

    g_hash_table_iter_init (&iter, wishes);
    while (g_hash_table_iter_next (&iter, (gpointer *)&name, (gpointer *)&wish))
        if (wish->asked && wish->on && !check_reported (p, name, error))
            return FALSE;
    return TRUE;
}

static void
add_capability (Plan *plan, const Vm *vm, const char *name, gboolean value, const char *reason)
{
    PlanCapability *c = g_new0 (PlanCapability, 1);

    c->end = vm->end;
    c->name = g_strdup (name);
    c->value = value;
    c->before = vm_has_capability (vm, name);
    c->reason = g_strdup (reason);
    g_ptr_array_add (plan->capabilities, c);
    if (c->before && !c->value)
        plan_warn (plan, "%s: %s was on and is turned off (%s)", end_name (vm->end), name, reason);
}

/* Everything that this end reports and we know; and what we do not know but was asked for. */
static void
settle_end (Planner *p, const Vm *vm, GHashTable *wishes)
{
    gboolean alone = !planner_is_two_ended (p);

    json_object_object_foreach (vm->capabilities, name, unused) {
        const Capability *known = capability_find (name);
        const Wish *wish = g_hash_table_lookup (wishes, name);

        (void)unused;
        if (known ? !is_on_side (known, vm->end) : !wish)
            continue;
        if (wish)
            add_capability (p->plan, vm, name, wish->on, wish->reason);
        else if (!alone || !capability_is_shared (known))
            add_capability (p->plan, vm, name, FALSE, "not needed");
        else if (vm_has_capability (vm, name))
            add_capability (p->plan, vm, name, TRUE, "found on; the other end is not ours to see");
    }
}

static gboolean
check_conflicts (const Plan *plan, GError **error)
{
    for (guint i = 0; i < plan->capabilities->len; i++) {
        const PlanCapability *a = g_ptr_array_index (plan->capabilities, i);

        for (guint j = i + 1; a->value && j < plan->capabilities->len; j++) {
            const PlanCapability *b = g_ptr_array_index (plan->capabilities, j);
            const char *why = b->value ? capability_conflict (a->name, b->name) : NULL;

            if (why)
                return migrate_fail (error, EXIT_REFUSED, "%s and %s do not go together: %s",
                                     a->name, b->name, why);
        }
    }
    return TRUE;
}

static gboolean
is_on (const Plan *plan, const char *name)
{
    return plan_capability (plan, END_SOURCE, name) ||
           plan_capability (plan, END_DESTINATION, name);
}

/* What needs something else to be there. */
static gboolean
check_needs (const Planner *p, GHashTable *wishes, GError **error)
{
    const Plan *plan = p->plan;
    const MigrationUri *uri = p->uri;
    gboolean mapped = is_on (plan, "mapped-ram");
    const char *obstacle = wishes_postcopy_obstacle (p, wishes);

    if (is_on (plan, "postcopy-ram") && obstacle)
        return migrate_fail (error, EXIT_REFUSED, "postcopy-ram: %s", obstacle);
    if (is_on (plan, "multifd") && !migration_uri_has_channels (uri) &&
        !(uri->kind == URI_FILE && mapped))
        return migrate_fail (
            error, EXIT_REFUSED,
            "multifd: %s cannot be opened several times; tcp:, unix: and vsock: can", uri->text);
    if (mapped && uri->kind != URI_FILE)
        return migrate_fail (error, EXIT_REFUSED, "mapped-ram: needs a file: URI");
    if (is_on (plan, "return-path") && !migration_uri_is_two_way (uri))
        return migrate_fail (error, EXIT_REFUSED, "return-path: %s goes one way only", uri->text);
    if (is_on (plan, "xbzrle") && uri->kind == URI_RDMA)
        return migrate_fail (error, EXIT_REFUSED, "xbzrle: QEMU refuses it over rdma:");
    if (is_on (plan, "postcopy-preempt") && !is_on (plan, "postcopy-ram"))
        return migrate_fail (error, EXIT_REFUSED, "postcopy-preempt: needs postcopy-ram");
    if (is_on (plan, "postcopy-preempt") && !migration_uri_has_channels (uri))
        return migrate_fail (error, EXIT_REFUSED, "postcopy-preempt: %s carries one channel only",
                             uri->text);
    if (is_on (plan, "switchover-ack") && !is_on (plan, "return-path") && p->source)
        return migrate_fail (error, EXIT_REFUSED, "switchover-ack: needs return-path");
    return TRUE;
}

static gboolean
check_extras (const Planner *p, GError **error)
{
    const MigrateOptions *options = p->options;
    const Plan *plan = p->plan;

    if (is_on (plan, "zero-copy-send") &&
        (!is_on (plan, "multifd") || options->compress_method || options->tls.kind != TLS_NONE))
        return migrate_fail (error, EXIT_REFUSED,
                             "zero-copy-send: needs multifd, without compression and without TLS");
    if (is_on (plan, "mapped-ram") && (options->tls.kind != TLS_NONE || options->compress_method))
        return migrate_fail (error, EXIT_REFUSED,
                             "mapped-ram: goes with neither TLS nor compression");
    /* An early listener has read its channels' number already. */
    if (p->destination && p->destination->status == STATUS_SETUP &&
        plan_capability (plan, END_DESTINATION, "multifd") !=
            vm_has_capability (p->destination, "multifd"))
        return migrate_fail (error, EXIT_REFUSED,
                             "destination: it listens already, and multifd has to be set before: "
                             "start it with -incoming defer");
    return TRUE;
}

static PostcopyMode
postcopy_mode (const Planner *p)
{
    if (!plan_capability (p->plan, p->source ? END_SOURCE : END_DESTINATION, "postcopy-ram"))
        return POSTCOPY_NEVER;
    return p->options->postcopy == POSTCOPY_NOW ? POSTCOPY_NOW : POSTCOPY_FALLBACK;
}

gboolean
plan_choose_capabilities (Planner *p, GError **error)
{
    g_autoptr (GHashTable) wishes = wishes_new (p, error);

    if (!wishes || !check_wishes (p, wishes, error))
        return FALSE;
    if (p->source)
        settle_end (p, p->source, wishes);
    if (p->destination)
        settle_end (p, p->destination, wishes);
    if (!check_conflicts (p->plan, error) || !check_needs (p, wishes, error) ||
        !check_extras (p, error))
        return FALSE;
    p->plan->postcopy = postcopy_mode (p);
    p->plan->steers_throttle = planner_throttle (p) == THROTTLE_STEER &&
                               plan_capability (p->plan, END_SOURCE, "auto-converge");
    if (wishes_refuse (wishes, "return-path") && migration_uri_is_two_way (p->uri))
        plan_warn (p->plan, "without return-path QEMU reports `completed` before the destination "
                            "has loaded anything");
    return TRUE;
}
