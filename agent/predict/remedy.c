/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* What would help a migration that does not end, or takes long: the same one, simulated with other
 * limits. */
#include "agent/predict/prediction.h"

/* So many times the memory's way over the link are long. */
#define LONG 2
/* What helps takes no more than this share of the time. */
#define HELPS 0.7

typedef struct {
    const char *text;
    guint64 value;
} Step;

static const Step downtimes_us[] = { { "500ms", 500000 },
                                     { "1s", 1000000 },
                                     { "2s", 2000000 },
                                     { "5s", 5000000 },
                                     { "10s", 10000000 } };
static const Step links_bytes_per_s[] = {
    { "100Mbit/s", 12500000 },   { "200Mbit/s", 25000000 },  { "500Mbit/s", 62500000 },
    { "1Gbit/s", 125000000 },    { "2.5Gbit/s", 312500000 }, { "5Gbit/s", 625000000 },
    { "10Gbit/s", 1250000000 },  { "25Gbit/s", 3125000000 }, { "50Gbit/s", 6250000000 },
    { "100Gbit/s", 12500000000 }
};

typedef struct {
    Predictor *predictor;
    MigrateOptions *options;
    const Prediction *now;
    GPtrArray *found;
} Search;

static void
remedy_free (gpointer data)
{
    Remedy *self = data;

    g_free (self->change);
    prediction_clear (&self->prediction);
    g_free (self);
}

gboolean
predictor_is_slow (const Predictor *self, const Prediction *prediction)
{
    double once_us = (double)self->ram_bytes /
                     (double)self->simulation.options->bandwidth_bytes_per_s * G_USEC_PER_SEC;

    return (double)prediction->total_us.most > LONG * once_us;
}

static gboolean
helps (const Prediction *now, const Prediction *then)
{
    return then->converges &&
           (!now->converges || (double)then->total_us.most < HELPS * (double)now->total_us.most);
}

/* Takes CHANGE. TRUE: it helps, and has been kept. */
static gboolean
attempt (Search *self, char *change, GError **error)
{
    Remedy *remedy = g_new0 (Remedy, 1);
    gboolean ok;

    remedy->change = change;
    ok = predictor_run (self->predictor, FALSE, &remedy->prediction, error) &&
         helps (self->now, &remedy->prediction);
    if (ok)
        g_ptr_array_add (self->found, remedy);
    else
        remedy_free (remedy);
    return ok;
}

/* The smallest step of OPTION that helps; VALUE is where the options have it. */
static void
try_steps (Search *self, const char *option, guint64 *value, const Step *steps, guint count,
           GError **error)
{
    const guint64 before = *value;
    gboolean done = FALSE;

    for (guint i = 0; i < count && !done && !*error; i++) {
        if (steps[i].value <= before)
            continue;
        *value = steps[i].value;
        done = attempt (self, g_strdup_printf ("%s %s", option, steps[i].text), error);
    }
    *value = before;
}

static void
try_postcopy (Search *self, GError **error)
{
    const PostcopyMode before = self->options->postcopy;

    if (*error || before == POSTCOPY_NOW || self->now->postcopy)
        return;
    self->options->postcopy = POSTCOPY_NOW;
    attempt (self, g_strdup ("--postcopy now"), error);
    self->options->postcopy = before;
}

GPtrArray *
predictor_remedies (Predictor *self, const Prediction *now, GError **error)
{
    MigrateOptions *options = (MigrateOptions *)self->simulation.options;
    g_autoptr (GPtrArray) found = g_ptr_array_new_with_free_func (remedy_free);
    Search search = { self, options, now, found };
    GError *trouble = NULL;

    try_steps (&search, "--max-downtime", &options->max_downtime_us, downtimes_us,
               G_N_ELEMENTS (downtimes_us), &trouble);
    try_steps (&search, "--bandwidth", &options->bandwidth_bytes_per_s, links_bytes_per_s,
               G_N_ELEMENTS (links_bytes_per_s), &trouble);
    try_postcopy (&search, &trouble);
    if (!trouble)
        return g_steal_pointer (&found);
    g_propagate_error (error, trouble);
    return NULL;
}
