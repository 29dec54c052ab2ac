/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* What a running guest tells of itself before it is moved: its size, and how much it writes in
 * times of several lengths. */
#pragma once

#include "agent/predict/curve-fit.h"
#include "qmp/client.h"

#define MEASURED_POINTS 4

typedef struct {
    guint64 ram_bytes;
    guint vcpus;
    gboolean kvm;
    guint qemu_major, qemu_minor;
    double touched;   /* share of its memory that the host had to give it; below 0: not known */
    const char *mode; /* "page-sampling", "dirty-bitmap", "dirty-ring" */
    CurvePoint points[MEASURED_POINTS];
    guint looks[MEASURED_POINTS];    /* of which each is the average */
    double squares[MEASURED_POINTS]; /* the sum of theirs */
    guint count;
} Measurement;

/* Until that time by the monotonic clock, or an end to all waiting. */
typedef gboolean (*MeasurementWait) (gpointer data, gint64 until_us, GError **error);

/* VM is its name, for errors. Takes some seconds; WAIT passes them. */
gboolean measurement_take (Measurement *self, QmpClient *client, const char *vm,
                           MeasurementWait wait, gpointer data, GError **error);
/* From the text of /proc/PID/smaps: the share of a mapping of RAM_BYTES that is there; below 0
 * where there is no such mapping, or several. */
double measurement_parse_smaps (const char *text, guint64 ram_bytes);
