/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "agent/predict/measurement.h"

#include <math.h>
#include <stdio.h>
#include <string.h>

#include "agent/migration/dirty-rate.h"
#include "agent/migration/error.h"
#include "qmp/value.h"

/* 16 MiB to look through, twice: done before the shortest time is over. */
#define FEW_PAGES   4096
#define MANY_PAGES  16384
#define LOOK_US     (20 * G_TIME_SPAN_MILLISECOND)
#define PATIENCE_US ((gint64)30 * G_USEC_PER_SEC)
/* Of the numbers of a log, which are whole MiB a second and of no exact time. */
#define LOG_ERROR     0.05
#define NO_MORE       0.5 /* of so few samples that nothing else is known */
#define NOTHING_KNOWN 1

/* Half of the unit in which QEMU tells a rate, which it rounds off. */
#define ROUNDED_BYTES_PER_S (512.0 * 1024)

static const guint short_times_ms[MEASURED_POINTS] = { 100, 400, 1000, 3000 };
static const guint long_times_ms[MEASURED_POINTS] = { 1000, 2000, 4000, 0 };
/* Which of them, one after the other: the short ones at several moments, for one may fall between
 * two bursts, and sees few pages. */
static const guint short_looks[] = { 0, 1, 0, 2, 0, 1, 3 };
static const guint long_looks[] = { 0, 1, 2 };

/* --- what kind of guest ---------------------------------------------------------------------- */

double
measurement_parse_smaps (const char *text, guint64 ram_bytes)
{
    g_auto (GStrv) lines = g_strsplit (text, "\n", -1);
    guint64 kib = 0, there = 0;
    guint found = 0;
    gboolean ours = FALSE;

    for (char **line = lines; *line; line++) {
        char name[32];

        if (sscanf (*line, "%31[A-Za-z_]: %" G_GUINT64_FORMAT " kB", name, &kib) != 2)
            continue;
        if (g_str_equal (name, "Size")) {
            ours = kib * 1024 == ram_bytes;
            found += ours;
        } else if (ours && (g_str_equal (name, "Rss") || g_str_equal (name, "Swap") ||
                            g_str_has_suffix (name, "_Hugetlb"))) {
            there += kib * 1024;
        }
    }
    return found == 1 ? MIN ((double)there / (double)ram_bytes, 1) : -1;
}

/* What the guest has never touched is zero. Only for a QEMU of this host, which is ours to see. */
static double
find_touched (QmpClient *client, guint64 ram_bytes)
{
    pid_t pid = qmp_client_peer_pid (client);
    g_autofree char *path = g_strdup_printf ("/proc/%d/smaps", (int)pid);
    g_autofree char *text = NULL;

    if (pid <= 0 || !g_file_get_contents (path, &text, NULL, NULL))
        return -1;
    return measurement_parse_smaps (text, ram_bytes);
}

static gboolean
take_memory (Measurement *self, QmpClient *client, GError **error)
{
    g_autoptr (json_object) size =
        qmp_client_call (client, "query-memory-size-summary", NULL, error);
    guint64 base;

    if (!size || !qmp_get_uint (size, "base-memory", "query-memory-size-summary", &base, error))
        return FALSE;
    self->ram_bytes = base + qmp_peek_uint (size, "plugged-memory", 0);
    self->touched = find_touched (client, self->ram_bytes);
    return TRUE;
}

static gboolean
take_machine (Measurement *self, QmpClient *client, GError **error)
{
    const QmpVersion *version = qmp_client_version (client);
    g_autoptr (json_object) kvm = qmp_client_call (client, "query-kvm", NULL, error);
    g_autoptr (json_object) cpus =
        kvm ? qmp_client_call (client, "query-cpus-fast", NULL, error) : NULL;

    if (!cpus)
        return FALSE;
    self->kvm = qmp_peek_bool (kvm, "enabled", FALSE);
    self->vcpus = MAX ((guint)qmp_length (cpus), 1);
    self->qemu_major = version->major;
    self->qemu_minor = version->minor;
    return TRUE;
}

/* --- how much it writes ---------------------------------------------------------------------- */

typedef struct {
    QmpClient *client;
    const char *vm;
    MeasurementWait wait;
    gpointer data;
} Asked;

static gboolean
await (const DirtyRate *rate, const Asked *asked, guint64 *ret_bytes, GError **error)
{
    gint64 next_us = g_get_monotonic_time () + rate->time_ms * G_TIME_SPAN_MILLISECOND;
    gint64 until_us = next_us + PATIENCE_US;
    GError *trouble = NULL;

    do {
        if (!asked->wait (asked->data, next_us, error))
            return FALSE;
        if (dirty_rate_read (rate, asked->client, ret_bytes, &trouble))
            return TRUE;
        next_us = g_get_monotonic_time () + LOOK_US;
    } while (!trouble && next_us < until_us);
    if (!trouble)
        return migrate_fail (error, EXIT_REFUSED,
                             "%s: query-dirty-rate: QEMU has not measured %u ms after 30 s",
                             asked->vm, rate->time_ms);
    g_propagate_error (error, trouble);
    return FALSE;
}

/* Two standard deviations: of so many pages found changed, and of looks that differ, as they do at
 * a guest that writes in bursts. */
static double
error_of (const Measurement *self, const DirtyRate *rate, guint time)
{
    double bytes = self->points[time].bytes, looks = self->looks[time];
    double hits = looks * bytes / (double)self->ram_bytes * (double)dirty_rate_samples (rate);
    double counted = rate->mode ? LOG_ERROR : hits > 0 ? MIN (2 / sqrt (hits), NO_MORE) : NO_MORE;
    double differ = self->squares[time] / looks - bytes * bytes;

    if (looks < 2 || bytes <= 0 || differ <= 0)
        return counted;
    return MIN (MAX (counted, 2 * sqrt (differ / (looks - 1)) / bytes), NOTHING_KNOWN);
}

/* Into the average of its time. */
static gboolean
take_look (Measurement *self, const Asked *asked, DirtyRate *rate, guint time, GError **error)
{
    CurvePoint *point = &self->points[time];
    guint64 bytes = 0;
    double written;

    if (!dirty_rate_begin (rate, asked->client, error) || !await (rate, asked, &bytes, error))
        return FALSE;
    written = bytes ? (double)bytes + ROUNDED_BYTES_PER_S * rate->time_ms / 1000 : 0;
    written = MIN (written, (double)self->ram_bytes);
    self->looks[time]++;
    self->squares[time] += written * written;
    point->us = rate->time_ms * 1000.0;
    point->bytes += (written - point->bytes) / self->looks[time];
    point->error = error_of (self, rate, time);
    return TRUE;
}

/* The log of KVM counts every page; which of its two there is, QEMU says by refusing the other. */
static const char *
find_mode (const Measurement *self, const Asked *asked, DirtyRate *rate)
{
    static const char *const modes[] = { "dirty-bitmap", "dirty-ring" };
    gboolean has_modes = self->qemu_major * 100 + self->qemu_minor >= 602;
    guint64 bytes;

    for (guint i = 0; self->kvm && has_modes && i < G_N_ELEMENTS (modes); i++) {
        rate->mode = modes[i];
        if (dirty_rate_begin (rate, asked->client, NULL) && await (rate, asked, &bytes, NULL))
            return modes[i];
    }
    rate->mode = NULL;
    return "page-sampling";
}

static gboolean
take_looks (Measurement *self, const Asked *asked, DirtyRate *rate, GError **error)
{
    gboolean fine = dirty_rate_has_milliseconds (qmp_client_version (asked->client));
    const guint *times_ms = fine ? short_times_ms : long_times_ms;
    const guint *looks = fine ? short_looks : long_looks;
    guint count = fine ? G_N_ELEMENTS (short_looks) : G_N_ELEMENTS (long_looks);

    for (guint i = 0; i < count; i++) {
        rate->time_ms = times_ms[looks[i]];
        /* Before 6.1 the number is QEMU's own. */
        rate->pages = self->qemu_major * 100 + self->qemu_minor < 601 ? 0
                      : rate->time_ms < times_ms[1]                   ? FEW_PAGES
                                                                      : MANY_PAGES;
        if (!take_look (self, asked, rate, looks[i], error))
            return FALSE;
        self->count = MAX (self->count, looks[i] + 1);
    }
    return TRUE;
}

gboolean
measurement_take (Measurement *self, QmpClient *client, const char *vm, MeasurementWait wait,
                  gpointer data, GError **error)
{
    const Asked asked = { client, vm, wait, data };
    DirtyRate rate = { .time_ms = long_times_ms[0] };

    *self = (Measurement){ 0 };
    if (!take_memory (self, client, error) || !take_machine (self, client, error))
        return FALSE;
    rate.ram_bytes = self->ram_bytes;
    if (dirty_rate_has_milliseconds (qmp_client_version (client)))
        rate.time_ms = short_times_ms[0];
    self->mode = find_mode (self, &asked, &rate);
    if (!rate.mode && self->ram_bytes < DIRTY_RATE_LEAST_RAM)
        return migrate_fail (error, EXIT_REFUSED,
                             "%s: QEMU measures the writing of guests of 128 MiB and more, and "
                             "this one has less",
                             vm);
    return take_looks (self, &asked, &rate, error);
}
