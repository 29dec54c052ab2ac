/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "agent/predict/foresight.h"

#include "qmp/value.h"

gboolean
foresight_check (const MigrateOptions *options, GError **error)
{
    if (options->bandwidth_bytes_per_s != UNITS_UNLIMITED)
        return TRUE;
    g_set_error_literal (error, UNITS_ERROR, 0,
                         "to predict, --bandwidth has to say what the migration may use of the "
                         "link: QEMU does not know the link, and nothing is guessed");
    return FALSE;
}

static json_object *
range_to_json (const Range *range)
{
    json_object *to = qmp_object ("least_us", json_object_new_uint64 (range->least), "most_us",
                                  json_object_new_uint64 (range->most), NULL);

    if (range->expected != G_MAXUINT64)
        json_object_object_add (to, "expected_us", json_object_new_uint64 (range->expected));
    return to;
}

static void
add_ranges (json_object *to, const Prediction *p)
{
    json_object_object_add (to, "postcopy", json_object_new_boolean (p->postcopy));
    if (!p->completed)
        return;
    json_object_object_add (to, "total", range_to_json (&p->total_us));
    json_object_object_add (to, "blackout", range_to_json (&p->blackout_us));
    json_object_object_add (to, "work_lost", range_to_json (&p->work_lost_us));
}

static json_object *
measured_to_json (const Measurement *measured)
{
    json_object *points = json_object_new_array ();
    json_object *to =
        qmp_object ("mode", json_object_new_string (measured->mode), "points", points, NULL);

    for (guint i = 0; i < measured->count; i++) {
        const CurvePoint *point = &measured->points[i];

        json_object_array_add (points,
                               qmp_object ("during_us", json_object_new_uint64 ((guint64)point->us),
                                           "written_bytes",
                                           json_object_new_uint64 ((guint64)point->bytes), NULL));
    }
    if (measured->touched >= 0)
        json_object_object_add (
            to, "touched_bytes",
            json_object_new_uint64 ((guint64)(measured->touched * (double)measured->ram_bytes)));
    return to;
}

static json_object *
remedies_to_json (const GPtrArray *remedies)
{
    json_object *list = json_object_new_array ();

    for (guint i = 0; i < remedies->len; i++) {
        const Remedy *remedy = g_ptr_array_index (remedies, i);
        json_object *entry = qmp_object ("change", json_object_new_string (remedy->change), NULL);

        add_ranges (entry, &remedy->prediction);
        json_object_array_add (list, entry);
    }
    return list;
}

static json_object *
prediction_to_json (const MigrateOptions *options, const Measurement *measured,
                    const Predictor *predictor, const Prediction *p)
{
    json_object *to = qmp_object (
        "converges", json_object_new_boolean (p->converges), "late",
        json_object_new_boolean (p->late), "runs", json_object_new_int ((int)p->runs), "completed",
        json_object_new_int ((int)p->completed), "policy", json_object_new_string (options->policy),
        "bandwidth_bytes_per_s", json_object_new_uint64 (options->bandwidth_bytes_per_s),
        "memory_bytes", json_object_new_uint64 (measured->ram_bytes), "workload",
        json_object_new_string (predictor->terms[FIT_LIKELY]), "measured",
        measured_to_json (measured), NULL);

    add_ranges (to, p);
    if (p->reason)
        json_object_object_add (to, "reason", json_object_new_string (p->reason));
    return to;
}

static gboolean
add_help (Predictor *predictor, const Prediction *p, json_object *to, GError **error)
{
    g_autoptr (GPtrArray) remedies = NULL;

    if (p->converges && !predictor_is_slow (predictor, p))
        return TRUE;
    remedies = predictor_remedies (predictor, p, error);
    if (remedies)
        json_object_object_add (to, "would_help", remedies_to_json (remedies));
    return remedies != NULL;
}

json_object *
foresight_take (const Foresight *self, GError **error)
{
    g_auto (Predictor) predictor = { 0 };
    g_auto (Prediction) prediction = { 0 };
    g_autoptr (json_object) to = NULL;
    Measurement measured;

    if (!foresight_check (self->options, error) ||
        !measurement_take (&measured, self->client, self->vm, self->wait, self->data, error) ||
        !predictor_init (&predictor, &measured, self->options, error) ||
        !predictor_run (&predictor, TRUE, &prediction, error))
        return NULL;
    to = prediction_to_json (self->options, &measured, &predictor, &prediction);
    if (self->helps && !add_help (&predictor, &prediction, to, error))
        return NULL;
    return g_steal_pointer (&to);
}

json_object *
foresight_brief (json_object *prediction)
{
    static const char *const kept[][2] = { { "converges", "converges" },
                                           { "late", "late" },
                                           { "completed", "completed" },
                                           { "postcopy", "postcopy" },
                                           { "total.expected_us", "total_us" },
                                           { "blackout.expected_us", "blackout_us" },
                                           { "work_lost.expected_us", "work_lost_us" } };
    json_object *to = json_object_new_object ();

    for (guint i = 0; i < G_N_ELEMENTS (kept); i++) {
        json_object *value = qmp_peek (prediction, kept[i][0]);

        if (value)
            json_object_object_add (to, kept[i][1], json_object_get (value));
    }
    return to;
}
