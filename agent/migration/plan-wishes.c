/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "agent/migration/plan-wishes.h"

#include "agent/migration/capability.h"
#include "agent/migration/error.h"

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

gboolean
wishes_have (GHashTable *wishes, const char *name)
{
    const Wish *wish = g_hash_table_lookup (wishes, name);

    return wish && wish->on;
}

gboolean
wishes_refuse (GHashTable *wishes, const char *name)
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

static gboolean
both_have_multifd_postcopy (const Planner *p)
{
    return planner_is_two_ended (p) && has_multifd_postcopy (p->source) &&
           has_multifd_postcopy (p->destination);
}

/* A policy's channels are not worth the last resort, unless it does without. */
static gboolean
leaves_postcopy (const Planner *p, GHashTable *wishes)
{
    return wishes_refuse (wishes, "postcopy-ram") || both_have_multifd_postcopy (p) ||
           !migration_uri_is_two_way (p->uri) || !planner_both_report (p, "postcopy-ram");
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
        migration_uri_has_channels (p->uri) && leaves_postcopy (p, wishes) &&
        goes_along (p, wishes, "multifd"))
        add_wish (wishes, "multifd", TRUE, FALSE, "policy %s: %s", o->policy, armed->reason);
    if (planner_is_armed (p, QMPMIG_PLAN_XBZRLE) && armed->xbzrle_cache_bytes && p->source &&
        vm_reports (p->source, "xbzrle") && goes_along (p, wishes, "xbzrle") &&
        p->uri->kind != URI_RDMA && !migration_uri_is_storage (p->uri))
        add_wish (wishes, "xbzrle", TRUE, FALSE, "policy %s: %s", o->policy, armed->reason);
}

const char *
wishes_postcopy_obstacle (const Planner *p, GHashTable *wishes)
{
    static const char *const enemies[] = { "mapped-ram", "x-ignore-shared", "release-ram",
                                           "compress" };

    if (!migration_uri_is_two_way (p->uri) || p->uri->kind == URI_RDMA)
        return "this kind of URI cannot carry requests for pages";
    for (guint i = 0; i < G_N_ELEMENTS (enemies); i++)
        if (wishes_have (wishes, enemies[i]))
            return capability_conflict ("postcopy-ram", enemies[i]);
    if (wishes_have (wishes, "multifd") && !both_have_multifd_postcopy (p))
        return "multifd with postcopy is safe only where both ends are QEMU 10.1 or later";
    return NULL;
}

/* By default: where both ends take it. A lone destination is armed, which is harmless; a lone
 * source is not, because a destination without it would die of it. */
static void
wish_postcopy (const Planner *p, GHashTable *wishes)
{
    const char *obstacle = wishes_postcopy_obstacle (p, wishes);

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
    if (wishes_have (wishes, "postcopy-ram") && migration_uri_has_channels (p->uri) &&
        (!p->destination || p->destination->status != STATUS_SETUP) &&
        !wishes_have (wishes, "multifd") && planner_both_report (p, "postcopy-preempt") &&
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
    if (planner_throttle (p) != THROTTLE_OFF && !wishes_have (wishes, "dirty-limit"))
        add_wish (wishes, "auto-converge", TRUE, FALSE,
                  planner_throttle (p) == THROTTLE_STEER
                      ? "armed, used only when passes stop shrinking"
                      : "QEMU's own ramp");
    if (wishes_have (wishes, "return-path") && planner_both_report (p, "switchover-ack"))
        add_wish (wishes, "switchover-ack", TRUE, FALSE, "devices may need time to get ready");
    if (p->source && p->source->dirty_bitmaps && planner_both_report (p, "dirty-bitmaps"))
        add_wish (wishes, "dirty-bitmaps", TRUE, FALSE,
                  "%u bitmap%s on the disks: incremental backups go on", p->source->dirty_bitmaps,
                  p->source->dirty_bitmaps == 1 ? "" : "s");
}

GHashTable *
wishes_new (const Planner *p, GError **error)
{
    g_autoptr (GHashTable) wishes =
        g_hash_table_new_full (g_str_hash, g_str_equal, g_free, (GDestroyNotify)wish_free);

    if (!take_named (wishes, p->options, error))
        return NULL;
    take_options (wishes, p->options);
    take_policy (p, wishes);
    wish_postcopy (p, wishes);
    wish_the_rest (p, wishes);
    return g_steal_pointer (&wishes);
}
