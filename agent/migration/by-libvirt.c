/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Libvirt moves a guest of its own, on our word: it begins, holds, continues and ends; we look at
 * the source through its passthrough and turn the knobs, as with any migration that is not ours to
 * run. The destination is never asked: its passthrough blocks as long as something arrives there.
 */
#include "agent/commands/command.h"
#include "agent/migration/error.h"
#include "agent/migration/launch.h"
#include "agent/migration/migration.h"
#include "qmp/value.h"

/* -- What libvirt is going to do -- */

static const struct {
    LibvirtMigrateFlags flag;
    const char *capability, *reason;
} armed[] = {
    { LIBVIRT_MIGRATE_AUTO_CONVERGE, "auto-converge", "so that the throttle can be steered" },
    { LIBVIRT_MIGRATE_POSTCOPY, "postcopy-ram", "asked for with --postcopy" },
    { LIBVIRT_MIGRATE_PARALLEL, "multifd", "asked for with --multifd, --compress or --zero-copy" },
    { LIBVIRT_MIGRATE_XBZRLE, "xbzrle", "asked for with --xbzrle" },
    { LIBVIRT_MIGRATE_ZERO_COPY, "zero-copy-send", "asked for with --zero-copy" },
};

static gboolean
check_armed (Migration *m, GError **error)
{
    LibvirtMigrateFlags flags = launch_flags (m->options);

    for (gsize i = 0; i < G_N_ELEMENTS (armed); i++)
        if ((flags & armed[i].flag) && !vm_reports (m->source, armed[i].capability))
            return migrate_fail (error, EXIT_REFUSED, "source: QEMU %s has no capability %s",
                                 m->source->version, armed[i].capability);
    return TRUE;
}

/* As it will be once libvirt has begun: the policy is chosen by it. */
static void
foresee (Migration *m)
{
    LibvirtMigrateFlags flags = launch_flags (m->options);

    for (gsize i = 0; i < G_N_ELEMENTS (armed); i++)
        if (flags & armed[i].flag)
            json_object_object_add (m->source->capabilities, armed[i].capability,
                                    json_object_new_boolean (TRUE));
}

static json_object *
capabilities_to_json (LibvirtMigrateFlags flags)
{
    json_object *list = json_object_new_array ();

    for (gsize i = 0; i < G_N_ELEMENTS (armed); i++)
        if (flags & armed[i].flag)
            json_object_array_add (list,
                                   qmp_object ("end", json_object_new_string ("source"), "name",
                                               json_object_new_string (armed[i].capability),
                                               "value", json_object_new_boolean (TRUE), "reason",
                                               json_object_new_string (armed[i].reason), NULL));
    return list;
}

static const char *
postcopy_word (const Migration *m)
{
    if (!(launch_flags (m->options) & LIBVIRT_MIGRATE_POSTCOPY))
        return "never";
    return m->options->postcopy == POSTCOPY_NOW ? "now" : "fallback";
}

static void
post_plan (Migration *m)
{
    json_object *warnings = json_object_new_array ();

    json_object_array_add (
        warnings, json_object_new_string ("libvirt migrates; we steer through its monitor, which "
                                          "taints the domain as custom-monitor"));
    migration_post (m, "plan",
                    qmp_object ("capabilities", capabilities_to_json (launch_flags (m->options)),
                                "parameters", json_object_new_array (), "warnings", warnings,
                                "postcopy", json_object_new_string (postcopy_word (m)), "dry_run",
                                json_object_new_boolean (m->options->dry_run), NULL));
}

/* -- Beginning -- */

static gboolean
check_idle (Migration *m, GError **error)
{
    return !status_is_running (m->source->status) ||
           migrate_fail (error, EXIT_REFUSED,
                         "%s: migrate: refused: a migration runs already (%s): `steer` tunes it",
                         vm_title (m->source), m->source->status_text);
}

static gboolean
prepare (Migration *m, GError **error)
{
    if (!migration_open_foreign (m, error) || !launch_check (m->global, m->options, error) ||
        !check_idle (m, error) || !check_armed (m, error) || !migration_lock_foreign (m, error))
        return FALSE;
    foresee (m);
    if (!migration_join_foreign (m, error))
        return FALSE;
    post_plan (m);
    return migration_foresee (m, error);
}

static gboolean
begin (Migration *m, GError **error)
{
    m->launch = launch_begin (m->global, m->options, m->context, error);
    m->migrate_us = g_get_monotonic_time ();
    return m->launch && migration_find_foreign (m, TRUE, error) &&
           migration_read_foreign (m, error);
}

static void
move (Migration *m)
{
    json_object *found = NULL;
    GError *error = NULL;

    json_object_deep_copy (m->source->parameters, &found, NULL);
    if (begin (m, &error) && status_is_running (m->status))
        migration_follow_foreign (m, &error);
    if (!m->launch) {
        migration_set_result (m, OUTCOME_FAILED, exit_code_before_start (error), "source", "%s",
                              error->message);
        m->result.error = error;
    } else
        migration_conclude_launch (m, error, found);
    json_object_put (found);
}

ExitCode
migration_run_by_libvirt (Migration *m)
{
    GError *error = NULL;

    m->started_us = g_get_monotonic_time ();
    m->is_foreign = TRUE;
    m->set_by_us = json_object_new_object ();
    if (!prepare (m, &error))
        migration_refuse_foreign (m, error);
    else if (m->options->dry_run)
        migration_set_result (m, OUTCOME_PLANNED, EXIT_DONE, "source",
                              "dry run: nothing was changed");
    else
        move (m);
    migration_post_result (m);
    return m->result.exit_code;
}
