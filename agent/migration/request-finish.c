/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* `finish`: the operator wants the end now, by the mildest means that is permitted. */
#include "agent/migration/requests-internal.h"
#include "qmp/value.h"

/* QEMU takes no longer downtime-limit. */
#define MAX_DOWNTIME_US (2000 * G_TIME_SPAN_SECOND)

/* Pre-copy ends when what a sync finds fits: that, or more if more remains now. */
static guint64
needed_downtime_us (const Sample *s)
{
    guint64 most = s->remaining_bytes;

    if (s->downtime_if_stopped_us == SAMPLE_UNKNOWN || s->bandwidth_bytes_per_s == SAMPLE_UNKNOWN ||
        s->bandwidth_bytes_per_s == 0)
        return s->downtime_if_stopped_us;
    if (s->remaining_at_sync_bytes != SAMPLE_UNKNOWN)
        most = MAX (most, s->remaining_at_sync_bytes);
    return MAX (s->downtime_if_stopped_us,
                (guint64)((double)most * G_USEC_PER_SEC / (double)s->bandwidth_bytes_per_s));
}

/* With a fifth to spare; the guest goes on writing, so it is asked again after each look. */
gboolean
migration_press_downtime (Migration *m, GError **error)
{
    const Sample *s = &m->tracker.last;
    guint64 needed_us = needed_downtime_us (s);
    guint64 limit_ms;

    if (m->finish_cap_us == 0 || needed_us == SAMPLE_UNKNOWN)
        return TRUE;
    limit_ms = MIN (needed_us / 1000 * 12 / 10 + 10, m->finish_cap_us / 1000);
    if (s->downtime_limit_us != SAMPLE_UNKNOWN && limit_ms * 1000 <= s->downtime_limit_us)
        return TRUE;
    m->limits.max_downtime_us = MAX (m->limits.max_downtime_us, limit_ms * 1000);
    return migration_apply (
        m, qmp_object ("downtime-limit", json_object_new_uint64 (limit_ms), NULL), NULL, error);
}

static json_object *
finish_by_downtime (Migration *m, guint64 needed_us, guint64 cap_us)
{
    g_autofree char *text = units_format_time (needed_us);
    g_autoptr (GError) error = NULL;
    json_object *answer;

    m->finish_cap_us = cap_us;
    if (!migration_press_downtime (m, &error))
        return request_refuse (EXIT_FAILED, "finish: %s", error->message);
    answer = request_agree ("raising the downtime limit: a blackout of about %s is expected", text);
    json_object_object_add (answer, "expected_blackout_us", json_object_new_uint64 (needed_us));
    return answer;
}

static json_object *
finish_by_pause (Migration *m, guint64 needed_us)
{
    g_autofree char *text = needed_us == SAMPLE_UNKNOWN ? NULL : units_format_time (needed_us);
    g_autoptr (GError) error = NULL;

    if (!migration_pause_guest (m, &error))
        return request_refuse (EXIT_FAILED, "finish: %s", error->message);
    if (!text)
        return request_agree (
            "the guest is stopped at the source until it has moved: it is too early to "
            "tell how long");
    return request_agree ("the guest is stopped at the source until it has moved: about %s", text);
}

json_object *
request_finish (Migration *m, Vm *vm, json_object *arguments)
{
    const char *by = qmp_peek_string (arguments, "by", NULL);
    guint64 needed_us = needed_downtime_us (&m->tracker.last);
    guint64 allowed_us = m->limits.max_downtime_us;
    g_autofree char *needed = NULL;
    g_autofree char *allowed = units_format_time (allowed_us);

    if (!m->source || request_is_in_postcopy (m) || m->continued)
        return request_refuse (EXIT_REFUSED,
                               "finish: the migration is past the point where it can be hurried");
    m->tracker.why |= QMPMIG_WHY_FINISH;
    if (g_strcmp0 (by, "pause") == 0)
        return finish_by_pause (m, needed_us);
    if (g_strcmp0 (by, "postcopy") == 0)
        return request_postcopy (m, vm, arguments);
    if (needed_us == SAMPLE_UNKNOWN)
        return request_refuse (EXIT_REFUSED, "finish: it is too early to tell what it would cost");
    needed = units_format_time (needed_us);
    if (g_strcmp0 (by, "downtime") == 0)
        return finish_by_downtime (m, needed_us, MAX_DOWNTIME_US);
    if (needed_us <= allowed_us)
        return finish_by_downtime (m, needed_us, allowed_us);
    if (m->limits.postcopy != QMPMIG_POSTCOPY_NEVER)
        return request_postcopy (m, vm, arguments);
    return request_refuse (
        EXIT_REFUSED,
        "finish: it would take a blackout of about %s, and %s is permitted: --by downtime "
        "or --by pause spends it",
        needed, allowed);
}
