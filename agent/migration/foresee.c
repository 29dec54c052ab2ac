/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* --predict: what the move will come to, told before anything is touched. QEMU measures the guest
 * meanwhile, which it must not do once the migration runs. */
#include "agent/migration/error.h"
#include "agent/migration/migration.h"
#include "agent/predict/foresight.h"

static gboolean
wait_until (gpointer data, gint64 until_us, GError **error)
{
    Migration *m = data;

    while (!m->cancel_wanted && g_get_monotonic_time () < until_us)
        if (!migration_wait (m, until_us, error))
            return FALSE;
    return !m->cancel_wanted || migrate_fail (error, EXIT_CANCELLED, "cancelled on request");
}

/* With the postcopy that is armed: both ends are known here. */
static json_object *
take (Migration *m, GError **error)
{
    const PostcopyMode asked = m->options->postcopy;
    const Foresight foresight = { .client = m->source->client,
                                  .vm = vm_title (m->source),
                                  .options = m->options,
                                  .wait = wait_until,
                                  .data = m };
    json_object *prediction;

    if (!run_state_is_live (m->source_run_state)) {
        migrate_fail (
            error, EXIT_REFUSED,
            "%s: the guest does not run (%s), so it writes nothing that could be measured",
            vm_title (m->source), m->source_run_state);
        return NULL;
    }
    if (m->limits.postcopy == QMPMIG_POSTCOPY_NEVER)
        m->options->postcopy = POSTCOPY_NEVER;
    prediction = foresight_take (&foresight, error);
    m->options->postcopy = asked;
    return prediction;
}

/* The move is what was asked for: it does without a prediction where there can be none. */
static gboolean
do_without (Migration *m, GError *why, GError **error)
{
    if (m->cancel_wanted || g_cancellable_is_cancelled (m->leave) ||
        qmp_client_broken (m->source->client)) {
        g_propagate_error (error, why);
        return FALSE;
    }
    migration_notice (m, "warning", "not-predicted", "not predicted: %s", why->message);
    g_error_free (why);
    return TRUE;
}

gboolean
migration_foresee (Migration *m, GError **error)
{
    g_autoptr (GError) refused = NULL;
    GError *why = NULL;
    json_object *prediction;

    if (!m->options->predict)
        return TRUE;
    if (!foresight_check (m->options, &refused))
        return migrate_fail (error, EXIT_REFUSED, "%s", refused->message);
    migration_post_header (m);
    migration_notice (m, "info", "predicting",
                      "QEMU measures for some seconds how much the guest writes; then it moves");
    m->foresees = TRUE;
    prediction = take (m, &why);
    m->foresees = FALSE;
    if (!prediction)
        return do_without (m, why, error);
    m->predicted = foresight_brief (prediction);
    migration_post (m, "prediction", prediction);
    return TRUE;
}
