/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "agent/commands/command.h"

#include <stdio.h>

#include "agent/commands/look.h"
#include "agent/commands/record.h"
#include "agent/display/prediction.h"
#include "agent/migration/error.h"
#include "agent/predict/foresight.h"
#include "qmp/value.h"

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
    text = prediction_text (&style, reach_vm (reach), prediction);
    fputs (text, stdout);
}

static gboolean
sleep_until (gpointer data G_GNUC_UNUSED, gint64 until_us, GError **error G_GNUC_UNUSED)
{
    gint64 left_us = until_us - g_get_monotonic_time ();

    if (left_us > 0)
        g_usleep ((gulong)left_us);
    return TRUE;
}

static gboolean
predict (const CommandLine *line, Reach *reach, gboolean *ret_converges, GError **error)
{
    const Foresight foresight = { .client = reach->qemu,
                                  .vm = reach_vm (reach),
                                  .options = command_migrate_options (line),
                                  .wait = sleep_until,
                                  .helps = TRUE };
    g_autoptr (json_object) body = foresight_take (&foresight, error);
    g_autoptr (json_object) said = body ? record_line (line, "prediction") : NULL;

    if (!body)
        return FALSE;
    json_object_object_foreach (body, name, value)
        json_object_object_add (said, name, json_object_get (value));
    print (line, reach, said);
    *ret_converges = qmp_peek_bool (said, "converges", FALSE);
    return TRUE;
}

static ExitCode
run_predict (const CommandLine *line)
{
    MigrateOptions *options = command_migrate_options (line);
    GError *error = NULL;
    g_autoptr (Reach) reach = foresight_check (options, &error) ? reach_open (line, &error) : NULL;
    gboolean converges = FALSE;

    if (!reach || !check_quiet (reach, &error) ||
        !config_apply_vm (command_config (line), options, reach_vm (reach), NULL, &error) ||
        !foresight_check (options, &error))
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
