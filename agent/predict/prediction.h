/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* What a migration would come to: simulated once for each guest that the measured one may be. */
#pragma once

#include "agent/predict/measurement.h"
#include "agent/simulate/simulation.h"

typedef struct {
    guint64 least, most;
    guint64 expected; /* of the guest as it was measured; UINT64_MAX: that one did not complete */
} Range;

typedef struct {
    guint runs, completed;
    gboolean converges;                        /* each is there, and in time */
    gboolean postcopy;                         /* some by it */
    gboolean late;                             /* some after the deadline */
    Range total_us, blackout_us, work_lost_us; /* of those that completed */
    char *reason; /* the policy's last words, of one that did not; NULL: none */
} Prediction;

/* A change of the command that makes a better answer. */
typedef struct {
    char *change; /* "--max-downtime 2s" */
    Prediction prediction;
} Remedy;

typedef struct {
    Workload workloads[FIT_COUNT];
    char *terms[FIT_COUNT]; /* for `qmpmig simulate --workload` */
    Simulation simulation;
    guint64 ram_bytes;
} Predictor;

/* OPTIONS are borrowed; their bandwidth is the link's. */
gboolean predictor_init (Predictor *self, const Measurement *measured, MigrateOptions *options,
                         GError **error);
void predictor_clear (Predictor *self);
G_DEFINE_AUTO_CLEANUP_CLEAR_FUNC (Predictor, predictor_clear)
/* Not WHOLE: no further than to the first that does not end. */
gboolean predictor_run (Predictor *self, gboolean whole, Prediction *ret_prediction,
                        GError **error);
/* Does it take so long that something ought to help? */
gboolean predictor_is_slow (const Predictor *self, const Prediction *prediction);
/* What would help (Remedy). The options are as they were afterwards. */
GPtrArray *predictor_remedies (Predictor *self, const Prediction *now, GError **error);
void prediction_clear (Prediction *self);
G_DEFINE_AUTO_CLEANUP_CLEAR_FUNC (Prediction, prediction_clear)
