/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Which capabilities are on. A wish is what somebody wants and why; the operator's wishes come
 * first and must be granted, ours give way. */
#include <string.h>

#include "agent/migration/capability.h"
#include "agent/migration/error.h"
#include "agent/migration/plan-internal.h"
#include "qmp/value.h"

typedef struct {
    gboolean on;
    gboolean asked; /* by the operator */
    char *reason;
} Wish;

static void
wish_free (Wish *wish)
{
    g_free (wish->reason);
    g_free (wish);
}

static gboolean add_wish (GHashTable *wishes, const char *name, gboolean on, gboolean asked,
                          const char *format, ...) G_GNUC_PRINTF (5, 6);

/* FALSE when there is one already: who comes first counts. */
static gboolean
add_wish (GHashTable *wishes, const char *name, gboolean on, gboolean asked, const char *format,
          ...)
{
    Wish *wish;
    va_list args;

    if (g_hash_table_contains (wishes, name))
        return FALSE;
    wish = g_new0 (Wish, 1);
    wish->on = on;
    wish->asked = asked;
    va_start (args, format);
    wish->reason = g_strdup_vprintf (format, args);
    va_end (args);
    g_hash_table_insert (wishes, g_strdup (name), wish);
    return TRUE;
}

static gboolean
is_wished (GHashTable *wishes, const char *name)
{
    const Wish *wish = g_hash_table_lookup (wishes, name);

    return wish && wish->on;
}

static gboolean
is_asked_off (GHashTable *wishes, const char *name)
{
    const Wish *wish = g_hash_table_lookup (wishes, name);

    return wish && !wish->on;
}

/* --cap NAME=on|off */
static gboolean
take_named (GHashTable *wishes, const MigrateOptions *options, GError **error)
{
    for (guint i = 0; i < options->capabilities->len; i++) {
        const NamedValue *cap = g_ptr_array_index (options->capabilities, i);
        gboolean on;

        if (!units_parse_bool ("--cap", cap->value, &on, error))
            return FALSE;
        if (on &&
            (g_str_equal (cap->name, "background-snapshot") || g_str_equal (cap->name, "x-colo")))
            return migrate_fail (error, EXIT_REFUSED, "--cap %s: that is no move of a guest",
                                 cap->name);
        add_wish (wishes, cap->name, on, TRUE, "asked for (--cap)");
    }
    return TRUE;
}

static void
take_options (GHashTable *wishes, const MigrateOptions *options)
{
    if (options->multifd_channels)
        add_wish (wishes, "multifd", TRUE, TRUE, "asked for (--multifd)");
    if (options->compress_method)
        add_wish (wishes, "multifd", TRUE, TRUE, "--compress works in multifd's channels");
    if (options->zero_copy) {
        add_wish (wishes, "zero-copy-send", TRUE, TRUE, "asked for (--zero-copy)");
        add_wish (wishes, "multifd", TRUE, TRUE, "--zero-copy works in multifd's channels");
    }
    if (options->xbzrle)
        add_wish (wishes, "xbzrle", TRUE, TRUE, "asked for (--xbzrle)");
    if (options->postcopy == POSTCOPY_FALLBACK || options->postcopy == POSTCOPY_NOW)
        add_wish (wishes, "postcopy-ram", TRUE, TRUE, "asked for (--postcopy)");
    if (options->postcopy == POSTCOPY_NEVER)
        add_wish (wishes, "postcopy-ram", FALSE, TRUE, "--postcopy never");
}

static gboolean
has_multifd_postcopy (const Vm *vm)
{
    return vm->schema && vm->schema->has_multifd_postcopy;
}

/* Of an end that is alone, what it has on may stay. */
static gboolean
goes_with_found (const Vm *vm, const char *name)
{
    json_object_object_foreach (vm->capabilities, other, value) {
        if (json_object_get_boolean (value) && capability_conflict (name, other))
            return FALSE;
    }
    return TRUE;
}

/* Does it go together with everything that was asked for? */
static gboolean
goes_along (const Planner *p, GHashTable *wishes, const char *name)
{
    GHashTableIter iter;
    const char *other;
    Wish *wish;

    g_hash_table_iter_init (&iter, wishes);
    while (g_hash_table_iter_next (&iter, (gpointer *)&other, (gpointer *)&wish))
        if (wish->on && capability_conflict (name, other))
            return FALSE;
    return planner_is_two_ended (p) || !p->source || goes_with_found (p->source, name);
}

/* What the policy wants, where the operator did not say and QEMU can. */
static void
take_policy (const Planner *p, GHashTable *wishes)
{
    const MigrateOptions *o = p->options;
    const struct qmpmig_plan *armed = &o->armed;

    if (planner_is_armed (p, QMPMIG_PLAN_POSTCOPY) && !armed->postcopy)
        add_wish (wishes, "postcopy-ram", FALSE, FALSE, "policy %s does without", o->policy);
    if (planner_is_armed (p, QMPMIG_PLAN_PREEMPT) && !armed->preempt)
        add_wish (wishes, "postcopy-preempt", FALSE, FALSE, "policy %s does without", o->policy);
    if (planner_is_armed (p, QMPMIG_PLAN_MULTIFD) && armed->multifd_channels &&
        planner_is_two_ended (p) && planner_both_report (p, "multifd") &&
        migration_uri_has_channels (p->uri) && goes_along (p, wishes, "multifd"))
        add_wish (wishes, "multifd", TRUE, FALSE, "policy %s: %s", o->policy, armed->reason);
    if (planner_is_armed (p, QMPMIG_PLAN_XBZRLE) && armed->xbzrle_cache_bytes && p->source &&
        vm_reports (p->source, "xbzrle") && goes_along (p, wishes, "xbzrle") &&
        p->uri->kind != URI_RDMA && !migration_uri_is_storage (p->uri))
        add_wish (wishes, "xbzrle", TRUE, FALSE, "policy %s: %s", o->policy, armed->reason);
}

/* Why postcopy cannot be armed, NULL when it can. */
static const char *
postcopy_obstacle (const Planner *p, GHashTable *wishes)
{
    static const char *const enemies[] = { "mapped-ram", "x-ignore-shared", "release-ram",
                                           "compress" };

    if (!migration_uri_is_two_way (p->uri) || p->uri->kind == URI_RDMA)
        return "this kind of URI cannot carry requests for pages";
    for (guint i = 0; i < G_N_ELEMENTS (enemies); i++)
        if (is_wished (wishes, enemies[i]))
            return capability_conflict ("postcopy-ram", enemies[i]);
    if (is_wished (wishes, "multifd") &&
        !(planner_is_two_ended (p) && has_multifd_postcopy (p->source) &&
          has_multifd_postcopy (p->destination)))
        return "multifd with postcopy is safe only where both ends are QEMU 10.1 or later";
    return NULL;
}

/* By default: where both ends take it. A lone destination is armed, which is harmless; a lone
 * source is not, because a destination without it would die of it. */
static void
wish_postcopy (const Planner *p, GHashTable *wishes)
{
    const char *obstacle = postcopy_obstacle (p, wishes);

    if (obstacle)
        add_wish (wishes, "postcopy-ram", FALSE, FALSE, "%s", obstacle);
    else if (planner_both_report (p, "postcopy-ram"))
        add_wish (wishes, "postcopy-ram", TRUE, FALSE,
                  "the last resort, when passes stop shrinking: from then on the guest needs both "
                  "hosts and the link until all memory has moved");
    else if (!p->source && vm_reports (p->destination, "postcopy-ram"))
        add_wish (wishes, "postcopy-ram", TRUE, FALSE,
                  "harmless here, and the source may ask for it");
    /* Old preempt channels (7.1, 7.2) do not talk to newer ones; switchover-ack marks the newer. An
     * early listener takes it no more. */
    if (is_wished (wishes, "postcopy-ram") && migration_uri_has_channels (p->uri) &&
        (!p->destination || p->destination->status != STATUS_SETUP) &&
        !is_wished (wishes, "multifd") && planner_both_report (p, "postcopy-preempt") &&
        planner_both_report (p, "switchover-ack"))
        add_wish (wishes, "postcopy-preempt", TRUE, FALSE,
                  "pages that the guest waits for overtake the others");
}

static void
wish_the_rest (const Planner *p, GHashTable *wishes)
{
    add_wish (wishes, "events", TRUE, FALSE, "QEMU tells of each step at once");
    if (migration_uri_is_two_way (p->uri))
        add_wish (wishes, "return-path", TRUE, FALSE,
                  "the destination confirms; without it `completed` says nothing about it");
    add_wish (wishes, "pause-before-switchover", TRUE, FALSE,
              "the destination is asked before the guest is handed over");
    add_wish (wishes, "late-block-activate", TRUE, FALSE,
              "the disks are the source's until the destination is told to run");
    if (planner_throttle (p) != THROTTLE_OFF && !is_wished (wishes, "dirty-limit"))
        add_wish (wishes, "auto-converge", TRUE, FALSE,
                  planner_throttle (p) == THROTTLE_STEER
                      ? "armed, used only when passes stop shrinking"
                      : "QEMU's own ramp");
    if (is_wished (wishes, "return-path") && planner_both_report (p, "switchover-ack"))
        add_wish (wishes, "switchover-ack", TRUE, FALSE, "devices may need time to get ready");
    if (p->source && p->source->dirty_bitmaps && planner_both_report (p, "dirty-bitmaps"))
        add_wish (wishes, "dirty-bitmaps", TRUE, FALSE,
                  "%u bitmap%s on the disks: incremental backups go on", p->source->dirty_bitmaps,
                  p->source->dirty_bitmaps == 1 ? "" : "s");
}

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
    const char *obstacle = postcopy_obstacle (p, wishes);

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
    g_autoptr (GHashTable) wishes =
        g_hash_table_new_full (g_str_hash, g_str_equal, g_free, (GDestroyNotify)wish_free);

    if (!take_named (wishes, p->options, error))
        return FALSE;
    take_options (wishes, p->options);
    take_policy (p, wishes);
    wish_postcopy (p, wishes);
    wish_the_rest (p, wishes);
    if (!check_wishes (p, wishes, error))
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
    if (is_asked_off (wishes, "return-path") && migration_uri_is_two_way (p->uri))
        plan_warn (p->plan, "without return-path QEMU reports `completed` before the destination "
                            "has loaded anything");
    return TRUE;
}
