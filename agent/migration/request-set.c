/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* `get` and `set`: QEMU's parameters and our limits, while it runs. */
#include "agent/migration/error.h"
#include "agent/migration/requests-internal.h"
#include "qmp/value.h"

/* What both limits allow. A throttle that is stronger now is lowered. */
static void
limit_throttle (Migration *m, json_object *qemu)
{
    m->limits.max_throttle_pct =
        MIN (plan_throttle_cap (m->limits.max_stall_us), m->options->max_throttle_pct);
    if (m->tracker.throttle_commanded_pct > m->limits.max_throttle_pct)
        helm_add_throttle (qemu, m->limits.max_throttle_pct);
}

/* Limits by the names of the options; FALSE when NAME is none. */
static gboolean
set_limit (Migration *m, const char *name, const char *text, json_object *qemu, GError **error)
{
    guint64 value;
    guint pct;

    if (g_str_equal (name, "max-downtime") && units_parse_time (name, text, &value, error)) {
        m->limits.max_downtime_us = value;
        json_object_object_add (qemu, "downtime-limit", json_object_new_uint64 (value / 1000));
    } else if (g_str_equal (name, "max-stall") && units_parse_time (name, text, &value, error)) {
        m->limits.max_stall_us = value;
        limit_throttle (m, qemu);
    } else if (g_str_equal (name, "deadline") && units_parse_time (name, text, &value, error)) {
        m->limits.deadline_us = value;
    } else if (g_str_equal (name, "max-throttle") &&
               units_parse_percent (name, text, &pct, error)) {
        m->options->max_throttle_pct = CLAMP (pct, 1, 99);
        limit_throttle (m, qemu);
    } else if (g_str_equal (name, "bandwidth") && units_parse_rate (name, text, &value, error)) {
        json_object_object_add (qemu, "max-bandwidth",
                                json_object_new_uint64 (value == UNITS_UNLIMITED ? 0 : value));
        m->options->bandwidth_bytes_per_s = value;
        migration_ask_bandwidth (m, value == UNITS_UNLIMITED ? 0 : value);
    } else {
        return FALSE;
    }
    return TRUE;
}

/* What is in force: QEMU's parameters and our limits. */
json_object *
request_get (Migration *m, Vm *vm, json_object *arguments)
{
    g_autoptr (GError) error = NULL;
    json_object *reply = qmp_client_call (vm->client, "query-migrate-parameters", NULL, &error);

    if (!reply)
        return request_refuse (EXIT_UNREACHABLE, "get: %s", error->message);
    return qmp_object ("parameters", reply, "limits", migration_limits_to_json (m), NULL);
}

/* The limits are taken; *ret_qemu is what QEMU has to be told on top. */
static gboolean
take_settings (Migration *m, json_object *arguments, json_object *qemu, GError **error)
{
    json_object_object_foreach (arguments, name, value) {
        g_autoptr (GError) why = NULL;

        if (!value)
            return migrate_fail (error, EXIT_USAGE, "%s: null is no value", name);
        if (set_limit (m, name, json_object_get_string (value), qemu, &why))
            continue;
        if (why) {
            g_propagate_error (error, g_steal_pointer (&why));
            return FALSE;
        }
        json_object_object_add (qemu, name, json_object_get (value));
    }
    return TRUE;
}

static void
note_applied (Migration *m, Vm *vm, json_object *qemu)
{
    migration_post (m, "applied",
                    qmp_object ("parameters", json_object_get (qemu), "answer",
                                json_object_new_string ("ok"), NULL));
    migration_note_set (m, vm, qemu);
    if (m->tracker.throttle_commanded_pct > m->limits.max_throttle_pct)
        m->tracker.throttle_commanded_pct = m->limits.max_throttle_pct;
}

/* All or nothing. */
json_object *
request_set (Migration *m, Vm *vm, json_object *arguments)
{
    g_autoptr (json_object) qemu = json_object_new_object ();
    g_autoptr (GError) error = NULL;
    Limits before = m->limits;
    guint throttle_before = m->options->max_throttle_pct;
    guint64 bandwidth_before = m->options->bandwidth_bytes_per_s;
    guint64 asked_before = m->bandwidth_asked;
    gboolean taken = take_settings (m, arguments, qemu, &error);
    json_object *reply;

    if (taken && json_object_object_length (qemu) > 0 &&
        vm_tell (vm, "migrate-set-parameters", json_object_get (qemu), &error))
        note_applied (m, vm, qemu);
    if (error) {
        m->limits = before;
        m->options->max_throttle_pct = throttle_before;
        m->options->bandwidth_bytes_per_s = bandwidth_before;
        m->bandwidth_asked = asked_before;
        return request_refuse (taken ? EXIT_REFUSED : EXIT_USAGE, "set: %s", error->message);
    }
    m->tracker.why |= QMPMIG_WHY_LIMITS;
    reply = request_get (m, vm, arguments);
    json_object_object_add (reply, "cut", migration_cut_limits (m, arguments));
    return reply;
}
