/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "agent/commands/command.h"

#include <stdio.h>

#include "agent/commands/look.h"
#include "agent/commands/predict-text.h"
#include "agent/commands/record.h"
#include "agent/migration/error.h"
#include "agent/predict/prediction.h"

static gboolean
check_bandwidth (const MigrateOptions *options, GError **error)
{
    if (options->bandwidth_bytes_per_s != UNITS_UNLIMITED)
        return TRUE;
    g_set_error_literal (error, UNITS_ERROR, 0,
                         "--bandwidth says what the migration may use of the link");
    return FALSE;
}

/* Measuring and migrating use the same log of QEMU's. */
static gboolean
check_quiet (Reach *reach, GError **error)
{
    g_auto (Look) look = { 0 };

    if (reach->control)
        return migrate_fail (error, EXIT_REFUSED,
                             "%s: a qmpmig steers a migration of it; there is nothing to predict, "
                             "and QEMU must not measure meanwhile",
                             reach_vm (reach));
    if (!look_take (reach, &look, error))
        return FALSE;
    if (status_is_running (look.status))
        return migrate_fail (error, EXIT_REFUSED,
                             "%s: a migration runs (%s); QEMU must not measure meanwhile",
                             reach_vm (reach), look.word);
    if (g_strcmp0 (look.run_state, "running") != 0)
        return migrate_fail (error, EXIT_REFUSED,
                             "%s: the guest does not run (%s), so it writes nothing that could be "
                             "measured",
                             reach_vm (reach), look.run_state ? look.run_state : "not known");
    return TRUE;
}

/* --- the line -------------------------------------------------------------------------------- */

static json_object *
range_to_json (const Range *range)
{
    return qmp_object ("least_us", json_object_new_uint64 (range->least), "most_us",
                       json_object_new_uint64 (range->most), NULL);
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
prediction_to_json (const CommandLine *line, const Measurement *measured,
                    const Predictor *predictor, const Prediction *p)
{
    const MigrateOptions *options = command_migrate_options (line);
    json_object *to = record_line (line, "prediction");

    json_object_object_add (to, "converges", json_object_new_boolean (p->converges));
    json_object_object_add (to, "late", json_object_new_boolean (p->late));
    json_object_object_add (to, "runs", json_object_new_int ((int)p->runs));
    json_object_object_add (to, "completed", json_object_new_int ((int)p->completed));
    json_object_object_add (to, "policy", json_object_new_string (options->policy));
    json_object_object_add (to, "bandwidth_bytes_per_s",
                            json_object_new_uint64 (options->bandwidth_bytes_per_s));
    json_object_object_add (to, "memory_bytes", json_object_new_uint64 (measured->ram_bytes));
    json_object_object_add (to, "workload", json_object_new_string (predictor->terms[FIT_LIKELY]));
    json_object_object_add (to, "measured", measured_to_json (measured));
    add_ranges (to, p);
    if (p->reason)
        json_object_object_add (to, "reason", json_object_new_string (p->reason));
    return to;
}

/* --- the command ----------------------------------------------------------------------------- */

static void
print (const CommandLine *line, Reach *reach, json_object *prediction)
{
    Style style = record_style (line);
    g_autofree char *text = NULL;

    if (command_global (line)->json) {
        record_print (prediction);
        return;
    }
    text = predict_text (&style, reach_vm (reach), prediction);
    fputs (text, stdout);
}

static gboolean
predict (const CommandLine *line, Reach *reach, gboolean *ret_converges, GError **error)
{
    g_auto (Predictor) predictor = { 0 };
    g_auto (Prediction) prediction = { 0 };
    g_autoptr (GPtrArray) remedies = NULL;
    g_autoptr (json_object) said = NULL;
    Measurement measured;

    if (!measurement_take (&measured, reach->qemu, reach_vm (reach), error) ||
        !predictor_init (&predictor, &measured, command_migrate_options (line), error) ||
        !predictor_run (&predictor, TRUE, &prediction, error))
        return FALSE;
    said = prediction_to_json (line, &measured, &predictor, &prediction);
    if (!prediction.converges || predictor_is_slow (&predictor, &prediction)) {
        remedies = predictor_remedies (&predictor, &prediction, error);
        if (!remedies)
            return FALSE;
        json_object_object_add (said, "would_help", remedies_to_json (remedies));
    }
    print (line, reach, said);
    *ret_converges = prediction.converges;
    return TRUE;
}

static ExitCode
run_predict (const CommandLine *line)
{
    MigrateOptions *options = command_migrate_options (line);
    GError *error = NULL;
    g_autoptr (Reach) reach = check_bandwidth (options, &error) ? reach_open (line, &error) : NULL;
    gboolean converges = FALSE;

    if (!reach || !check_quiet (reach, &error) ||
        !config_apply_vm (command_config (line), options, reach_vm (reach), NULL, &error) ||
        !check_bandwidth (options, &error))
        return command_fail (line, error);
    if (!predict (line, reach, &converges, &error))
        return reach_fail (reach, error);
    return converges ? EXIT_DONE : EXIT_REFUSED;
}

static const char *const move_options[] = { "bandwidth", "deadline",     "if-stuck", "max-downtime",
                                            "max-stall", "max-throttle", "policy",   "postcopy",
                                            "throttle",  "xbzrle",       NULL };

const Command command_predict = {
    .name = "predict",
    .arguments = "",
    .summary = "what a migration would come to, before it starts",
    .description =
        "Lets QEMU measure for some seconds how much the guest writes, moves a guest like it in\n"
        "the simulator with the policy and the limits given, and says whether it converges, how\n"
        "long it takes and what it costs the guest. Where the answer is no, or slow, it says what\n"
        "would help. The guest stays where it is. Exits 0 for yes, 4 for no.",
    .example = "  qmpmig --socket /run/web1.qmp predict --bandwidth 1Gbit/s\n"
               "  qmpmig --socket /run/web1.qmp predict --bandwidth 1Gbit/s --max-downtime 2s",
    .takes_migrate_options = TRUE,
    .move_options = move_options,
    .run = run_predict,
};
