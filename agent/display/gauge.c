/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "agent/display/gauge.h"

#include <string.h>

#include "agent/display/text.h"
#include "agent/units.h"
#include "qmp/value.h"

#define UNKNOWN G_MAXUINT64

/* --- phases ---------------------------------------------------------------------------------- */

static const struct {
    const char *name;
    GaugePhase phase;
    const char *note;
} phases[] = {
    { "setup", PHASE_SETUP, NULL },
    { "pre-copy", PHASE_PRECOPY, NULL },
    { "switchover", PHASE_SWITCHOVER, "the guest stands still" },
    { "postcopy", PHASE_POSTCOPY, "Ctrl-C is refused" },
    { "paused", PHASE_PAUSED, "the guest stands still: qmpmig recover" },
    { "done", PHASE_DONE, NULL },
};

static int
find_phase (json_object *sample)
{
    const char *name = qmp_peek_string (sample, "phase", "");

    for (guint i = 0; i < G_N_ELEMENTS (phases); i++)
        if (!strcmp (phases[i].name, name))
            return (int)i;
    return -1;
}

GaugePhase
gauge_phase (json_object *sample)
{
    int i = find_phase (sample);

    return i < 0 ? PHASE_OTHER : phases[i].phase;
}

const char *
gauge_phase_note (json_object *sample)
{
    int i = find_phase (sample);

    return i < 0 ? NULL : phases[i].note;
}

/* Where QEMU's word says more than ours: a cancel on its way, and how it ended. */
static gboolean
prefers_status (json_object *sample)
{
    return !strcmp (qmp_peek_string (sample, "status", ""), "cancelling") ||
           gauge_phase (sample) == PHASE_DONE || !qmp_peek (sample, "phase");
}

char *
gauge_phase_word (const Style *style, json_object *sample)
{
    char *word = text_peek (style, sample, prefers_status (sample) ? "status" : "phase");
    return word ? word : g_strdup ("migration");
}

/* --- values: NULL where nothing is known ----------------------------------------------------- */

static char *
size_of (json_object *sample, const char *key)
{
    guint64 bytes = qmp_peek_uint (sample, key, UNKNOWN);

    return bytes == UNKNOWN ? NULL : units_format_size (bytes);
}

static char *
rate_of (json_object *sample, const char *key)
{
    guint64 bytes_per_s = qmp_peek_uint (sample, key, UNKNOWN);

    return bytes_per_s == UNKNOWN ? NULL : units_format_rate (bytes_per_s);
}

/* The pass that is running, while people count from one and samples count what is complete. */
static char *
pass_value (json_object *sample)
{
    guint64 passes = qmp_peek_uint (sample, "passes", UNKNOWN);

    return passes == UNKNOWN ? NULL : g_strdup_printf ("%" G_GUINT64_FORMAT, passes + 1);
}

static char *
sent_value (json_object *sample)
{
    return size_of (sample, "sent_bytes");
}

static char *
left_value (json_object *sample)
{
    return size_of (sample, "remaining_bytes");
}

static char *
rate_value (json_object *sample)
{
    return rate_of (sample, "bandwidth_bytes_per_s");
}

/* QEMU says 0 until it has counted, which is after the first pass. */
static char *
dirty_value (json_object *sample)
{
    if (!qmp_peek_uint (sample, "passes", 1) && !qmp_peek_uint (sample, "dirty_bytes_per_s", 0))
        return NULL;
    return rate_of (sample, "dirty_bytes_per_s");
}

static char *
requests_value (json_object *sample)
{
    guint64 requests = qmp_peek_uint (sample, "postcopy_requests", UNKNOWN);

    return requests == UNKNOWN ? NULL : g_strdup_printf ("%" G_GUINT64_FORMAT, requests);
}

/* QEMU changes the throttle at its next occasion only: until then both numbers are true. One per
 * cent is where an armed throttle is parked: nothing to speak of. */
static char *
throttle_value (json_object *sample)
{
    guint now = (guint)qmp_peek_uint (sample, "throttle_pct", 0);
    guint commanded = (guint)qmp_peek_uint (sample, "throttle_commanded_pct", now);

    if (now <= 1 && commanded <= 1)
        return NULL;
    if (now == commanded)
        return g_strdup_printf ("%u%%", now);
    return g_strdup_printf ("%u to %u%%", now, commanded);
}

/* Ours looks at the next switchover, QEMU's at the last pass. */
static char *
downtime_value (json_object *sample)
{
    guint64 theirs = qmp_peek_uint (sample, "expected_downtime_us", UNKNOWN);
    guint64 us = qmp_peek_uint (sample, "downtime_if_stopped_us", theirs);

    return us == UNKNOWN ? NULL : units_format_time (us);
}

/* A forecast deserves no more digits than this. */
static char *
coarse_time (guint64 us)
{
    guint64 seconds = us / G_USEC_PER_SEC + 1;

    if (seconds <= 90)
        return g_strdup_printf ("%u s", (guint)seconds);
    if (seconds <= 90 * 60)
        return g_strdup_printf ("%u min", (guint)(seconds + 59) / 60);
    return g_strdup_printf ("%" G_GUINT64_FORMAT " h", (seconds + 3599) / 3600);
}

static char *
ends_in_value (json_object *sample)
{
    guint64 us = qmp_peek_uint (sample, "remaining_us", UNKNOWN);

    return us == UNKNOWN ? NULL : coarse_time (us);
}

static char *
verdict_value (json_object *sample)
{
    const char *verdict = qmp_peek_string (sample, "verdict", "");

    if (!strcmp (verdict, "cannot-within-limits"))
        return g_strdup ("cannot end within the limits");
    if (!strcmp (verdict, "needs-action") && !qmp_peek (sample, "remaining_us"))
        return g_strdup ("does not converge");
    return NULL;
}

/* --- all of them ----------------------------------------------------------------------------- */

#define COPYING (1 << PHASE_PRECOPY | 1 << PHASE_OTHER)
#define BEFORE  (1 << PHASE_SETUP | COPYING)
#define SWITCH  (1 << PHASE_SWITCHOVER)
#define AFTER   (1 << PHASE_POSTCOPY | 1 << PHASE_PAUSED)
#define RUNNING (BEFORE | SWITCH | AFTER)

static const struct {
    const char *label;
    char *(*value) (json_object *sample);
    int width, rank;
    int phases;
    Ink ink;
} kinds[] = {
    { "pass", pass_value, 1, 8, COPYING, INK_PLAIN },
    { "sent", sent_value, 8, 12, RUNNING | 1 << PHASE_DONE, INK_PLAIN },
    { "left", left_value, 8, 5, RUNNING, INK_PLAIN },
    { "rate", rate_value, 10, 7, RUNNING, INK_PLAIN },
    { "dirty", dirty_value, 10, 10, BEFORE, INK_PLAIN },
    { "requests", requests_value, 6, 11, AFTER, INK_PLAIN },
    { "throttle", throttle_value, 3, 6, BEFORE, INK_CAUTION },
    { "downtime", downtime_value, 7, 9, BEFORE, INK_PLAIN },
    { NULL, verdict_value, 0, 4, BEFORE, INK_CAUTION },
    { "ends in", ends_in_value, 6, 4, BEFORE | AFTER, INK_PLAIN },
};

static void
gauge_free (gpointer data)
{
    Gauge *self = data;

    g_free (self->value);
    g_free (self);
}

GPtrArray *
gauges_of (json_object *sample)
{
    GPtrArray *gauges = g_ptr_array_new_with_free_func (gauge_free);
    int phase = 1 << gauge_phase (sample);

    for (guint i = 0; i < G_N_ELEMENTS (kinds); i++) {
        char *value = kinds[i].phases & phase ? kinds[i].value (sample) : NULL;
        Gauge *gauge;

        if (!value)
            continue;
        gauge = g_new (Gauge, 1);
        *gauge = (Gauge){ .label = kinds[i].label,
                          .value = value,
                          .width = kinds[i].width,
                          .rank = kinds[i].rank,
                          .ink = kinds[i].ink };
        g_ptr_array_add (gauges, gauge);
    }
    return gauges;
}
