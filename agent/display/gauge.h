/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* What one sample says, as words: the same for the live line and for the plain one. */
#pragma once

#include "agent/display/style.h"
#include "qmp/message.h"

typedef enum {
    PHASE_OTHER, /* a word of a newer version: shown as it is */
    PHASE_SETUP,
    PHASE_PRECOPY,
    PHASE_SWITCHOVER,
    PHASE_POSTCOPY,
    PHASE_PAUSED,
    PHASE_DONE,
} GaugePhase;

typedef struct {
    const char *label; /* "sent"; NULL: the value speaks for itself */
    char *value;       /* "412 MiB" */
    int width;         /* of the value at its widest, so that the line does not jump */
    int rank;          /* the higher, the sooner it is cut */
    Ink ink;
} Gauge;

GaugePhase gauge_phase (json_object *sample);
char *gauge_phase_word (const Style *style, json_object *sample);
/* What must be said in this phase; NULL: nothing. */
const char *gauge_phase_note (json_object *sample);
/* What is known of it, in the order of display. */
GPtrArray *gauges_of (json_object *sample);
