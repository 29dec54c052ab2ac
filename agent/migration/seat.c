/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Gives the policy its seat: loaded, told what the migration is about, configured, and asked what
 * shall be armed. */
#include "agent/migration/error.h"
#include "agent/migration/migration.h"

static void
fill_context (const Vm *vm, enum qmpmig_kind kind, struct qmpmig_context *context)
{
    const QmpVersion *version = qmp_client_version (vm->client);

    *context = (struct qmpmig_context){ .size = sizeof *context,
                                        .qemu_major = version->major,
                                        .qemu_minor = version->minor,
                                        .qemu_micro = version->micro,
                                        .kind = kind,
                                        .ram_bytes = vm->ram_bytes ? vm->ram_bytes : QMPMIG_UNKNOWN,
                                        .vcpus = vm->vcpus ? vm->vcpus : QMPMIG_UNKNOWN,
                                        .page_size_bytes = QMPMIG_UNKNOWN,
                                        .seed = g_random_int () };
    g_strlcpy (context->vm_name, vm->name ? vm->name : "", sizeof context->vm_name);
    g_strlcpy (context->vm_uuid, vm->uuid ? vm->uuid : "", sizeof context->vm_uuid);
    g_strlcpy (context->accelerator, vm->kvm ? "kvm" : "tcg", sizeof context->accelerator);
}

/* Unknown only to the end that we do not see. */
static gboolean
both_report (const Migration *m, const char *capability)
{
    return vm_reports (m->source, capability) &&
           (!m->destination || vm_reports (m->destination, capability));
}

static guint64
possible (const Migration *m)
{
    gboolean two_way = migration_uri_is_two_way (m->uri);
    gboolean channels = migration_uri_has_channels (m->uri) && m->destination;
    guint64 can = 0;

    if (vm_reports (m->source, "auto-converge"))
        can |= QMPMIG_CAN_THROTTLE;
    if (vm_reports (m->source, "xbzrle"))
        can |= QMPMIG_CAN_XBZRLE;
    if (vm_takes_parameter (m->source, "avail-switchover-bandwidth"))
        can |= QMPMIG_CAN_SWITCHOVER_BANDWIDTH;
    if (two_way && m->destination && both_report (m, "postcopy-ram"))
        can |= QMPMIG_CAN_POSTCOPY;
    if (channels && both_report (m, "postcopy-preempt"))
        can |= QMPMIG_CAN_PREEMPT;
    if (channels && both_report (m, "multifd"))
        can |= QMPMIG_CAN_MULTIFD;
    return can;
}

static guint64
chosen (const MigrateOptions *o)
{
    return (o->postcopy == POSTCOPY_FALLBACK || o->postcopy == POSTCOPY_NOW ? QMPMIG_CAN_POSTCOPY
                                                                            : 0) |
           (o->xbzrle ? QMPMIG_CAN_XBZRLE : 0) |
           (o->multifd_channels || o->compress_method ? QMPMIG_CAN_MULTIFD : 0);
}

static void
fill_facts (const Migration *m, struct qmpmig_facts *facts)
{
    const MigrateOptions *o = m->options;

    policy_default_facts (facts);
    facts->can = possible (m);
    facts->chosen = chosen (o);
    facts->postcopy_blockers = (o->postcopy == POSTCOPY_NEVER ? QMPMIG_BLOCKER_OPERATOR : 0) |
                               (migration_uri_is_two_way (m->uri) ? 0 : QMPMIG_BLOCKER_TRANSPORT);
    /* Nobody limits to more than the link carries; else it is not known before the start. */
    if (o->bandwidth_bytes_per_s != UNITS_UNLIMITED)
        facts->link_bytes_per_s = o->bandwidth_bytes_per_s;
    facts->limits = (struct qmpmig_limits){
        .max_downtime_us = m->limits.max_downtime_us,
        .max_stall_us = m->limits.max_stall_us,
        .deadline_left_us = m->limits.deadline_us ? m->limits.deadline_us : QMPMIG_UNKNOWN,
        .abort_left_us = QMPMIG_UNKNOWN,
        .max_throttle_pct = m->limits.max_throttle_pct,
        .max_bandwidth_bytes_per_s = m->limits.bandwidth_bytes_per_s,
        .if_stuck = m->limits.if_stuck,
        .postcopy = o->postcopy == POSTCOPY_NEVER ? QMPMIG_POSTCOPY_NEVER
                    : o->postcopy == POSTCOPY_NOW ? QMPMIG_POSTCOPY_NOW
                                                  : QMPMIG_POSTCOPY_FALLBACK,
    };
}

static gboolean
configure (Migration *m, GError **error)
{
    const GPtrArray *keys = m->options->policy_keys;

    for (guint i = 0; i < keys->len; i++) {
        const NamedValue *pair = g_ptr_array_index (keys, i);

        if (!policy_configure (m->helm.policy, pair->name, pair->value, error)) {
            if (pair->origin)
                g_prefix_error (error, "%s: ", pair->origin);
            return FALSE;
        }
    }
    return policy_complete (m->helm.policy, error);
}

static guint
kind (const Migration *m)
{
    if (!m->is_foreign)
        return QMPMIG_KIND_OWN;
    return g_str_equal (m->role, "migrate") ? QMPMIG_KIND_LIBVIRT : QMPMIG_KIND_FOREIGN;
}

gboolean
migration_seat_policy (Migration *m, GError **error)
{
    g_autoptr (GError) why = NULL;
    struct qmpmig_context context;
    struct qmpmig_facts facts;

    fill_context (m->source, kind (m), &context);
    m->helm.policy = m->options->allow_exec
                         ? policy_load_or_exec (m->options->policy, &context, &why)
                         : policy_load (m->options->policy, &context, &why);
    if (m->helm.policy && configure (m, &why)) {
        if (m->is_foreign) /* what is armed was chosen by whoever started it */
            return TRUE;
        fill_facts (m, &facts);
        if (policy_plan (m->helm.policy, &facts, &m->options->armed, &why))
            return TRUE;
    }
    return migrate_fail (error, (ExitCode)why->code, "%s", why->message);
}
