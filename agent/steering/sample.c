/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "agent/steering/sample.h"

#include <stddef.h>

#include "agent/migration/status.h"
#include "qmp/value.h"

typedef struct {
    const char *name; /* ours */
    gsize offset;
    const char *path; /* QEMU's; NULL: nothing of QEMU's */
    guint64 factor;   /* QEMU's unit in ours */
} Field;

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
    FIELD (downtime_bytes, "ram.downtime-bytes", 1),
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
    FIELD (downtime_us, "downtime", 1000),
    FIELD (throttle_pct, "cpu-throttle-percentage", 1),
    FIELD (xbzrle_pages, "xbzrle-cache.pages", 1),
    FIELD (xbzrle_bytes, "xbzrle-cache.bytes", 1),
    FIELD (xbzrle_misses, "xbzrle-cache.cache-miss", 1),
    FIELD (xbzrle_overflow, "xbzrle-cache.overflow", 1),
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
    FIELD (dirty_bytes_per_s, NULL, 1),
    FIELD (bandwidth_bytes_per_s, NULL, 1),
    FIELD (sequence, NULL, 1),
    FIELD (passes, NULL, 1),
    FIELD (remaining_at_sync_bytes, NULL, 1),
    FIELD (throttle_commanded_pct, NULL, 1),
    FIELD (throttle_integral_us, NULL, 1),
    FIELD (max_downtime_us, NULL, 1),
    FIELD (max_stall_us, NULL, 1),
    FIELD (deadline_left_us, NULL, 1),
    FIELD (max_throttle_pct, NULL, 1),
    FIELD (downtime_if_stopped_us, NULL, 1),
    FIELD (remaining_us, NULL, 1),
};

static guint64 *
field_at (Sample *self, const Field *field)
{
    return (guint64 *)((char *)self + field->offset);
}

static void
read_fields (Sample *self, const Field *fields, guint count, json_object *from)
{
    for (guint i = 0; i < count; i++) {
        guint64 value = qmp_peek_uint (from, fields[i].path, SAMPLE_UNKNOWN);

        if (value != SAMPLE_UNKNOWN)
            *field_at (self, &fields[i]) = value * fields[i].factor;
    }
}

void
sample_init (Sample *self)
{
    *self = (Sample){
        .xbzrle_miss_rate = -1, .xbzrle_encoding_rate = -1, .pass_progress = -1, .progress = -1
    };
    for (guint i = 0; i < G_N_ELEMENTS (migrate_fields); i++)
        *field_at (self, &migrate_fields[i]) = SAMPLE_UNKNOWN;
    for (guint i = 0; i < G_N_ELEMENTS (parameter_fields); i++)
        *field_at (self, &parameter_fields[i]) = SAMPLE_UNKNOWN;
    for (guint i = 0; i < G_N_ELEMENTS (own_fields); i++)
        *field_at (self, &own_fields[i]) = SAMPLE_UNKNOWN;
}

void
sample_read_migrate (Sample *self, json_object *query_migrate)
{
    guint64 dirty_pages = qmp_peek_uint (query_migrate, "ram.dirty-pages-rate", SAMPLE_UNKNOWN);
    double mbps = qmp_peek_double (query_migrate, "ram.mbps", -1);

    read_fields (self, migrate_fields, G_N_ELEMENTS (migrate_fields), query_migrate);
    /* Before the second sync QEMU says 0, and means that it does not know. */
    if (dirty_pages == 0 && self->syncs < 2)
        dirty_pages = SAMPLE_UNKNOWN;
    if (dirty_pages != SAMPLE_UNKNOWN && self->page_size_bytes != SAMPLE_UNKNOWN)
        self->dirty_bytes_per_s = dirty_pages * self->page_size_bytes;
    if (mbps >= 0)
        self->bandwidth_bytes_per_s = (guint64)(mbps * 1e6 / 8);
    self->xbzrle_miss_rate = qmp_peek_double (query_migrate, "xbzrle-cache.cache-miss-rate", -1);
    self->xbzrle_encoding_rate = qmp_peek_double (query_migrate, "xbzrle-cache.encoding-rate", -1);
}

void
sample_read_parameters (Sample *self, json_object *parameters)
{
    read_fields (self, parameter_fields, G_N_ELEMENTS (parameter_fields), parameters);
}

static void
write_fields (const Sample *self, const Field *fields, guint count, json_object *to)
{
    for (guint i = 0; i < count; i++) {
        guint64 value = *field_at ((Sample *)self, &fields[i]);

        if (value != SAMPLE_UNKNOWN)
            json_object_object_add (to, fields[i].name, json_object_new_uint64 (value));
    }
}

static void
write_double (json_object *to, const char *name, double value)
{
    if (value >= 0)
        json_object_object_add (to, name, json_object_new_double (value));
}

json_object *
sample_to_json (const Sample *self, const char *status, const char *run_state)
{
    json_object *line = json_object_new_object ();

    if (self->sequence != SAMPLE_UNKNOWN)
        json_object_object_add (line, "sequence", json_object_new_uint64 (self->sequence));
    json_object_object_add (line, "status", json_object_new_string (status));
    json_object_object_add (line, "phase",
                            json_object_new_string (status_phase (status_parse (status))));
    if (run_state) {
        json_object_object_add (line, "run_state", json_object_new_string (run_state));
        json_object_object_add (line, "guest_running",
                                json_object_new_boolean (g_str_equal (run_state, "running")));
    }
    write_fields (self, migrate_fields, G_N_ELEMENTS (migrate_fields), line);
    write_fields (self, parameter_fields, G_N_ELEMENTS (parameter_fields), line);
    write_fields (self, own_fields, G_N_ELEMENTS (own_fields), line);
    write_double (line, "xbzrle_miss_rate", self->xbzrle_miss_rate);
    write_double (line, "xbzrle_encoding_rate", self->xbzrle_encoding_rate);
    write_double (line, "pass_progress", self->pass_progress);
    write_double (line, "progress", self->progress);
    json_object_object_add (line, "verdict",
                            json_object_new_string (self->verdict ? self->verdict : "unknown"));
    return line;
}

json_object *
sample_from_qemu (json_object *query_migrate, json_object *query_status, json_object *parameters)
{
    Sample sample;

    sample_init (&sample);
    sample_read_migrate (&sample, query_migrate);
    if (parameters)
        sample_read_parameters (&sample, parameters);
    return sample_to_json (&sample, qmp_peek_string (query_migrate, "status", "none"),
                           query_status ? qmp_peek_string (query_status, "status", NULL) : NULL);
}
