/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "agent/commands/status-text.h"

#include <string.h>

#include "agent/commands/arrival-text.h"
#include "agent/display/gauge.h"
#include "agent/display/heading.h"
#include "agent/display/summary.h"
#include "agent/display/text.h"
#include "agent/migration/status.h"
#include "agent/units.h"
#include "qmp/value.h"

/* "web1: running; migration active (pre-copy)" */
static void
append_migration_head (const Style *style, GString *out, const char *name, json_object *sample)
{
    g_autofree char *run_state = text_peek (style, sample, "run_state");
    g_autofree char *status = text_peek (style, sample, "status");
    const char *phase = qmp_peek_string (sample, "phase", NULL);

    style_ink (style, out, INK_BOLD, name);
    g_string_append_printf (out, ": %s; ", run_state ? run_state : "run state not known");
    if (!status || status_parse (status) == STATUS_NONE)
        g_string_append (out, "no migration");
    else if (phase && status_is_running (status_parse (status)))
        g_string_append_printf (out, "migration %s (%s)", status, phase);
    else
        g_string_append_printf (out, "migration %s", status);
    g_string_append_c (out, '\n');
}

static void
append_head (const Style *style, GString *out, json_object *header, json_object *sample)
{
    g_autofree char *name = heading_vm_name (style, header);

    (arrival_is_told (sample) ? arrival_append_head : append_migration_head) (style, out, name,
                                                                              sample);
}

static void
append_gauges (const Style *style, GString *out, json_object *sample)
{
    g_autoptr (GPtrArray) gauges = gauges_of (sample);

    for (guint i = 0; i < gauges->len; i++) {
        const Gauge *gauge = g_ptr_array_index (gauges, i);

        text_row (style, out, gauge->label ? gauge->label : "verdict", gauge->value);
    }
}

static void
append_limit (const Style *style, GString *out, json_object *sample)
{
    guint64 us = qmp_peek_uint (sample, "downtime_limit_us", 0);
    g_autofree char *limit = units_format_time (us);
    g_autofree char *text = g_strdup_printf ("%s of downtime (QEMU's downtime-limit)", limit);

    if (us > 0 && qmp_peek (sample, "remaining_bytes"))
        text_row (style, out, "allowed", text);
}

static void
append_reasons (const Style *style, GString *out, json_object *sample)
{
    json_object *blocked = qmp_peek (sample, "blocked_reasons");
    g_autofree char *error = text_peek (style, sample, "error.desc");

    /* Of one that was cancelled QEMU (10.0) tells how it broke its own connection off. */
    if (error && strcmp (qmp_peek_string (sample, "status", ""), "cancelled") != 0)
        text_row (style, out, "error", error);
    for (gsize i = 0; i < qmp_length (blocked); i++) {
        g_autofree char *reason = text_clean (
            json_object_get_string (json_object_array_get_idx (blocked, i)), style->utf8);

        text_row (style, out, "cannot move", reason);
    }
}

static void
append_steerer (const Style *style, GString *out, json_object *header, json_object *sample,
                pid_t pid)
{
    MigrationStatus status = status_parse (qmp_peek_string (sample, "status", NULL));
    gboolean receives = !strcmp (qmp_peek_string (header, "role", ""), "incoming");
    gboolean waits = qmp_peek_bool (sample, "steered_by.waits", FALSE);
    g_autofree char *text = g_strdup_printf ("qmpmig (pid %d)%s", (int)pid,
                                             waits ? ", which waits for a migration to begin" : "");

    if (pid)
        text_row (style, out, receives ? "received by" : "steered by", text);
    else if (!arrival_is_told (sample) && status_is_running (status) &&
             status != STATUS_POSTCOPY_PAUSED)
        text_row (style, out, "steered by",
                  "nobody of ours; `steer` joins it, `recover` ends what a killed qmpmig left");
}

/* A receiving QEMU counts nothing, and what one in a broken postcopy counted is past. */
static gboolean
has_progress (json_object *sample, MigrationStatus status)
{
    gboolean is_own = !qmp_peek_bool (sample, "seen_from_source", FALSE);

    return status_is_running (status) && status != STATUS_POSTCOPY_PAUSED &&
           !(is_own && arrival_is_told (sample));
}

/* At its source. */
static void
append_paused (const Style *style, GString *out, json_object *header)
{
    g_autofree char *address = text_peek (style, header, "ends.source.address");
    g_autofree char *here = g_shell_quote (address ? address : "SOURCE");
    g_autofree char *next = g_strdup_printf (
        "`qmpmig --socket %s recover --dest-socket DESTINATION` goes on over a new connection",
        here);

    text_row (style, out, "careful",
              "the guest stands still: the link broke in postcopy. Half of it is here, half at the "
              "destination; nothing is lost as long as both QEMUs live: quit neither");
    text_row (style, out, "next", next);
}

char *
status_text (const Style *style, json_object *header, json_object *sample, json_object *result,
             pid_t pid)
{
    const char *status = qmp_peek_string (sample, "status", NULL);
    GString *out = g_string_new (NULL);

    append_head (style, out, header, sample);
    if (has_progress (sample, status_parse (status))) {
        append_gauges (style, out, sample);
        append_limit (style, out, sample);
    }
    append_reasons (style, out, sample);
    if (arrival_is_told (sample))
        arrival_append_rows (style, out, header, sample, pid == 0);
    else if (pid == 0 && status_parse (status) == STATUS_POSTCOPY_PAUSED)
        append_paused (style, out, header);
    append_steerer (style, out, header, sample, pid);
    if (result) {
        g_autofree char *summary = summary_text (style, header, result, TRUE);

        g_string_append (out, summary);
    }
    return g_string_free (out, FALSE);
}
