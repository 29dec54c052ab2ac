/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "agent/steering/sample.h"

#include <stddef.h>
#include <string.h>

#include "agent/migration/status.h"
#include "qmp/value.h"

typedef struct {
    const char *name; /* ours */
    gsize offset;
    const char *path; /* QEMU's; NULL: nothing of QEMU's */
    guint64 factor;   /* QEMU's unit in ours */
} Field;

#define LIMIT(name)                                                                                \
    {                                                                                              \
#name, offsetof(Sample, limits.name), NULL, 1                                              \
    }
#define OWN(name) FIELD (name, NULL, 1)
#define FIELD(name, path, factor)                                                                  \
    {                                                                                              \
#name, offsetof(Sample, name), path, factor                                                \
    }

/* In query-migrate. */
static const Field migrate_fields[] = {
    FIELD (total_bytes, "ram.total", 1),
    FIELD (remaining_bytes, "ram.remaining", 1),
    FIELD (sent_bytes, "ram.transferred", 1),
    FIELD (precopy_bytes, "ram.precopy-bytes", 1),
    FIELD (postcopy_bytes, "ram.postcopy-bytes", 1),
    FIELD (multifd_bytes, "ram.multifd-bytes", 1),
    FIELD (normal_pages, "ram.normal", 1),
    FIELD (zero_pages, "ram.duplicate", 1),
    FIELD (page_size_bytes, "ram.page-size", 1),
    FIELD (pages_per_s, "ram.pages-per-second", 1),
    FIELD (syncs, "ram.dirty-sync-count", 1),
    FIELD (postcopy_requests, "ram.postcopy-requests", 1),
    FIELD (zero_copy_missed, "ram.dirty-sync-missed-zero-copy", 1),
    FIELD (elapsed_us, "total-time", 1000),
    FIELD (setup_us, "setup-time", 1000),
    FIELD (expected_downtime_us, "expected-downtime", 1000),
    FIELD (throttle_pct, "cpu-throttle-percentage", 1),
    FIELD (xbzrle_pages, "xbzrle-cache.pages", 1),
    FIELD (xbzrle_bytes, "xbzrle-cache.bytes", 1),
    FIELD (xbzrle_misses, "xbzrle-cache.cache-miss", 1),
    FIELD (xbzrle_overflow, "xbzrle-cache.overflow", 1),
    FIELD (postcopy_blocktime_us, "postcopy-blocktime", 1000),
    FIELD (vfio_bytes, "vfio.transferred", 1),
};

/* In query-migrate-parameters. */
static const Field parameter_fields[] = {
    FIELD (downtime_limit_us, "downtime-limit", 1000),
    FIELD (bandwidth_limit_bytes_per_s, "max-bandwidth", 1),
    FIELD (postcopy_bandwidth_bytes_per_s, "max-postcopy-bandwidth", 1),
    FIELD (switchover_bandwidth_bytes_per_s, "avail-switchover-bandwidth", 1),
    FIELD (xbzrle_cache_bytes, "xbzrle-cache-size", 1),
};

/* Ours, or worked out. */
static const Field own_fields[] = {
    OWN (sequence),
    OWN (now_us),
    OWN (since_sync_us),
    OWN (since_pass_us),
    OWN (why),
    OWN (passes),
    OWN (first_pass_done),
    OWN (may),
    OWN (remaining_at_sync_bytes),
    OWN (dirtied_bytes),
    OWN (dirty_bytes_per_s),
    OWN (bandwidth_bytes_per_s),
    OWN (throttle_commanded_pct),
    OWN (throttle_integral_us),
    OWN (xbzrle_miss_ppm),
    OWN (xbzrle_encoding_ppm),
    LIMIT (max_downtime_us),
    LIMIT (max_stall_us),
    LIMIT (deadline_left_us),
    LIMIT (abort_left_us),
    LIMIT (max_throttle_pct),
    LIMIT (max_bandwidth_bytes_per_s),
    OWN (link_bytes_per_s),
    OWN (link_low_bytes_per_s),
    OWN (page_bytes),
    OWN (switchover_us),
    OWN (downtime_if_stopped_us),
    OWN (remaining_after_pass_bytes),
    OWN (workable_throttle_pct),
    OWN (confidence_pct),
};

static const struct {
    const Field *fields;
    gsize count;
} tables[] = {
    { migrate_fields, G_N_ELEMENTS (migrate_fields) },
    { parameter_fields, G_N_ELEMENTS (parameter_fields) },
    { own_fields, G_N_ELEMENTS (own_fields) },
};

static guint64 *
field_at (Sample *self, const Field *field)
{
    return (guint64 *)((char *)self + field->offset);
}

static void
read_fields (Sample *self, const Field *fields, gsize count, json_object *from)
{
    for (gsize i = 0; i < count; i++) {
        guint64 value = qmp_peek_uint (from, fields[i].path, SAMPLE_UNKNOWN);

        if (value != SAMPLE_UNKNOWN)
            *field_at (self, &fields[i]) = value * fields[i].factor;
    }
}

void
sample_init (Sample *self)
{
    memset (self, 0xff, sizeof *self);
    self->size = sizeof *self;
    self->status = QMPMIG_STATUS_OTHER;
    self->run_state = QMPMIG_RUN_STATE_OTHER;
    self->why = self->may = 0;
}

void
outlook_init (Outlook *self)
{
    *self = (Outlook){ .remaining_us = SAMPLE_UNKNOWN,
                       .downtime_us = SAMPLE_UNKNOWN,
                       .downtime_bytes = SAMPLE_UNKNOWN,
                       .pass_progress = -1,
                       .progress = -1 };
}

const char *
verdict_name (guint64 verdict)
{
    static const char *const names[] = {
        [QMPMIG_VERDICT_UNKNOWN] = "unknown",
        [QMPMIG_VERDICT_ON_COURSE] = "on-course",
        [QMPMIG_VERDICT_NEEDS_ACTION] = "needs-action",
        [QMPMIG_VERDICT_CANNOT] = "cannot-within-limits",
    };

    return verdict < G_N_ELEMENTS (names) ? names[verdict] : names[0];
}

static void
read_status (Sample *self, const char *status)
{
    static const struct {
        MigrationStatus from;
        enum qmpmig_status to;
    } table[] = {
        { STATUS_SETUP, QMPMIG_STATUS_SETUP },
        { STATUS_ACTIVE, QMPMIG_STATUS_ACTIVE },
        { STATUS_PRE_SWITCHOVER, QMPMIG_STATUS_PRE_SWITCHOVER },
        { STATUS_DEVICE, QMPMIG_STATUS_DEVICE },
        { STATUS_POSTCOPY_ACTIVE, QMPMIG_STATUS_POSTCOPY },
        { STATUS_POSTCOPY_PAUSED, QMPMIG_STATUS_POSTCOPY_PAUSED },
        { STATUS_COMPLETED, QMPMIG_STATUS_ENDED },
        { STATUS_FAILED, QMPMIG_STATUS_ENDED },
        { STATUS_CANCELLED, QMPMIG_STATUS_ENDED },
    };
    MigrationStatus now = status_parse (status);

    self->status = QMPMIG_STATUS_OTHER;
    for (guint i = 0; i < G_N_ELEMENTS (table); i++)
        if (table[i].from == now)
            self->status = table[i].to;
}

void
sample_take_run_state (Sample *self, const char *run_state)
{
    gboolean is_running = g_strcmp0 (run_state, "running") == 0;

    self->guest_running = run_state ? (guint64)is_running : SAMPLE_UNKNOWN;
    self->run_state = is_running                             ? QMPMIG_RUN_STATE_RUNNING
                      : g_strcmp0 (run_state, "paused") == 0 ? QMPMIG_RUN_STATE_PAUSED
                                                             : QMPMIG_RUN_STATE_OTHER;
}

static guint64
peek_ppm (json_object *from, const char *path)
{
    double value = qmp_peek_double (from, path, -1);

    return value >= 0 ? (guint64)(value * 1e6) : SAMPLE_UNKNOWN;
}

void
sample_read_migrate (Sample *self, Outlook *outlook, json_object *query_migrate)
{
    guint64 dirty_pages = qmp_peek_uint (query_migrate, "ram.dirty-pages-rate", SAMPLE_UNKNOWN);
    double mbps = qmp_peek_double (query_migrate, "ram.mbps", -1);

    read_fields (self, migrate_fields, G_N_ELEMENTS (migrate_fields), query_migrate);
    read_status (self, qmp_peek_string (query_migrate, "status", NULL));
    /* Before the second sync QEMU says 0, and means that it does not know. */
    if (dirty_pages == 0 && self->syncs < 2)
        dirty_pages = SAMPLE_UNKNOWN;
    if (dirty_pages != SAMPLE_UNKNOWN && self->page_size_bytes != SAMPLE_UNKNOWN)
        self->dirty_bytes_per_s = dirty_pages * self->page_size_bytes;
    if (mbps >= 0)
        self->bandwidth_bytes_per_s = (guint64)(mbps * 1e6 / 8);
    self->xbzrle_miss_ppm = peek_ppm (query_migrate, "xbzrle-cache.cache-miss-rate");
    self->xbzrle_encoding_ppm = peek_ppm (query_migrate, "xbzrle-cache.encoding-rate");
    if (!outlook)
        return;
    outlook->downtime_us = qmp_peek_uint (query_migrate, "downtime", SAMPLE_UNKNOWN);
    if (outlook->downtime_us != SAMPLE_UNKNOWN)
        outlook->downtime_us *= 1000;
    outlook->downtime_bytes = qmp_peek_uint (query_migrate, "ram.downtime-bytes", SAMPLE_UNKNOWN);
}

void
sample_read_parameters (Sample *self, json_object *parameters)
{
    read_fields (self, parameter_fields, G_N_ELEMENTS (parameter_fields), parameters);
}

/* All names of a sample are literals, and each comes once: json-c need not copy them, nor look
 * whether they are there. */
static void
write_new (json_object *to, const char *name, json_object *value)
{
    json_object_object_add_ex (to, name, value,
                               JSON_C_OBJECT_ADD_KEY_IS_NEW | JSON_C_OBJECT_KEY_IS_CONSTANT);
}

static void
write_uint (json_object *to, const char *name, guint64 value)
{
    if (value != SAMPLE_UNKNOWN)
        write_new (to, name, json_object_new_uint64 (value));
}

static void
write_curve (json_object *to, const struct qmpmig_curve *curve)
{
    json_object *points;

    if (curve->time_us[0] == SAMPLE_UNKNOWN)
        return;
    points = json_object_new_array ();
    for (guint i = 0; i < QMPMIG_CURVE_POINTS && curve->time_us[i] != SAMPLE_UNKNOWN; i++) {
        json_object *point = json_object_new_array_ext (2);

        json_object_array_add (point, json_object_new_uint64 (curve->time_us[i]));
        json_object_array_add (point, json_object_new_uint64 (curve->bytes[i]));
        json_object_array_add (points, point);
    }
    write_new (to, "curve", points);
}

static void
write_double (json_object *to, const char *name, double value)
{
    if (value >= 0)
        write_new (to, name, json_object_new_double (value));
}

static void
write_outlook (json_object *to, const Outlook *self)
{
    write_uint (to, "downtime_us", self->downtime_us);
    write_uint (to, "downtime_bytes", self->downtime_bytes);
    write_uint (to, "remaining_us", self->remaining_us);
    write_double (to, "pass_progress", self->pass_progress);
    write_double (to, "progress", self->progress);
    write_new (to, "verdict", json_object_new_string (verdict_name (self->verdict)));
}

void
sample_write (const Sample *self, const Outlook *outlook, const char *status, const char *run_state,
              json_object *line)
{
    /* Room for all at once, or it would grow three times. */
    lh_table_resize (json_object_get_object (line), 128);
    write_new (line, "status", json_object_new_string (status));
    write_new (line, "phase", json_object_new_string (status_phase (status_parse (status))));
    if (run_state) {
        write_new (line, "run_state", json_object_new_string (run_state));
        write_new (line, "guest_running",
                   json_object_new_boolean (g_str_equal (run_state, "running")));
    }
    for (guint t = 0; t < G_N_ELEMENTS (tables); t++)
        for (gsize i = 0; i < tables[t].count; i++)
            write_uint (line, tables[t].fields[i].name,
                        *field_at ((Sample *)self, &tables[t].fields[i]));
    write_curve (line, &self->curve);
    if (outlook)
        write_outlook (line, outlook);
}

json_object *
sample_to_json (const Sample *self, const Outlook *outlook, const char *status,
                const char *run_state)
{
    json_object *line = json_object_new_object ();

    sample_write (self, outlook, status, run_state, line);
    return line;
}

static void
read_curve (struct qmpmig_curve *curve, json_object *points)
{
    if (!json_object_is_type (points, json_type_array))
        return;
    for (gsize i = 0; i < MIN (json_object_array_length (points), QMPMIG_CURVE_POINTS); i++) {
        json_object *point = json_object_array_get_idx (points, i);

        if (!json_object_is_type (point, json_type_array) || json_object_array_length (point) != 2)
            return;
        curve->time_us[i] = json_object_get_uint64 (json_object_array_get_idx (point, 0));
        curve->bytes[i] = json_object_get_uint64 (json_object_array_get_idx (point, 1));
    }
}

void
sample_from_json (Sample *self, json_object *line)
{
    sample_init (self);
    for (guint t = 0; t < G_N_ELEMENTS (tables); t++)
        for (gsize i = 0; i < tables[t].count; i++) {
            guint64 *value = field_at (self, &tables[t].fields[i]);

            *value = qmp_peek_uint (line, tables[t].fields[i].name, *value);
        }
    read_curve (&self->curve, qmp_peek (line, "curve"));
    read_status (self, qmp_peek_string (line, "status", NULL));
    sample_take_run_state (self, qmp_peek_string (line, "run_state", NULL));
}

json_object *
sample_from_qemu (json_object *query_migrate, json_object *query_status, json_object *parameters)
{
    Sample sample;
    Outlook outlook;

    sample_init (&sample);
    outlook_init (&outlook);
    sample_read_migrate (&sample, &outlook, query_migrate);
    if (parameters)
        sample_read_parameters (&sample, parameters);
    return sample_to_json (&sample, &outlook, qmp_peek_string (query_migrate, "status", "none"),
                           query_status ? qmp_peek_string (query_status, "status", NULL) : NULL);
}
