/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "agent/service/view.h"

#include "qmp/value.h"

struct View {
    GDBusObjectManagerServer *manager;
    QmpmigObjectSkeleton *object;
    QmpmigMigration1 *interface;
    char *path;
    gboolean observes;
    /* Since the last flush. */
    gboolean changed;
    char *status, *verdict, *reason;
    guint64 elapsed_us, forecast_us, downtime_us, remaining_bytes;
    guint throttle_pct;
};

/* What a path may not have, as systemd writes it. */
static char *
path_of (const char *id)
{
    GString *path = g_string_new (DBUS_MIGRATIONS);

    for (const char *p = id; *p; p++)
        if (g_ascii_isalnum (*p))
            g_string_append_c (path, *p);
        else
            g_string_append_printf (path, "_%02x", (guchar)*p);
    return g_string_free (path, FALSE);
}

static void
set_what_stays (View *self, const Job *job)
{
    g_autofree char *trace = job_trace_path (job);

    qmpmig_migration1_set_id (self->interface, job_id (job));
    qmpmig_migration1_set_vm_name (self->interface, job_vm_name (job));
    qmpmig_migration1_set_vm_uuid (self->interface, job_vm_uuid (job));
    qmpmig_migration1_set_role (self->interface, job_role (job));
    qmpmig_migration1_set_trace_path (self->interface, trace);
    qmpmig_migration1_set_guest_runs_on (self->interface, "source");
    qmpmig_migration1_set_outcome (self->interface, "");
    qmpmig_migration1_set_policy (self->interface, "");
}

View *
view_new (GDBusObjectManagerServer *manager, const Job *job)
{
    View *self = g_new0 (View, 1);

    self->manager = g_object_ref (manager);
    self->path = path_of (job_id (job));
    self->object = qmpmig_object_skeleton_new (self->path);
    self->interface = qmpmig_migration1_skeleton_new ();
    self->observes = g_str_equal (job_role (job), "observed");
    self->status = g_strdup ("waiting");
    self->verdict = g_strdup ("unknown");
    self->reason = g_strdup ("");
    self->forecast_us = self->downtime_us = self->remaining_bytes = G_MAXUINT64;
    self->throttle_pct = G_MAXUINT;
    set_what_stays (self, job);
    self->changed = TRUE;
    view_flush (self);
    qmpmig_object_skeleton_set_migration1 (self->object, self->interface);
    g_dbus_object_manager_server_export (manager, G_DBUS_OBJECT_SKELETON (self->object));
    return self;
}

void
view_free (View *self)
{
    if (!self)
        return;
    g_dbus_object_manager_server_unexport (self->manager, self->path);
    g_object_set_data (G_OBJECT (self->interface), "server", NULL); /* calls may be under way */
    g_object_unref (self->interface);
    g_object_unref (self->object);
    g_object_unref (self->manager);
    g_free (self->path);
    g_free (self->status);
    g_free (self->verdict);
    g_free (self->reason);
    g_free (self);
}

QmpmigMigration1 *
view_interface (View *self)
{
    return self->interface;
}

const char *
view_path (View *self)
{
    return self->path;
}

static void
replace (char **place, const char *text)
{
    if (!text || g_strcmp0 (*place, text) == 0)
        return;
    g_free (*place);
    *place = g_strdup (text);
}

static void
take_header (View *self, json_object *line)
{
    qmpmig_migration1_set_policy (self->interface, qmp_peek_string (line, "policy.name", ""));
}

static void
take_sample (View *self, json_object *line)
{
    replace (&self->status, qmp_peek_string (line, "status", NULL));
    replace (&self->verdict, qmp_peek_string (line, "verdict", NULL));
    self->elapsed_us = qmp_peek_uint (line, "elapsed_us", 0);
    self->forecast_us = qmp_peek_uint (line, "remaining_us", G_MAXUINT64);
    self->remaining_bytes = qmp_peek_uint (line, "remaining_bytes", G_MAXUINT64);
    self->throttle_pct = (guint)qmp_peek_uint (line, "throttle_pct", G_MAXUINT);
}

static void
take_advice (View *self, json_object *line)
{
    const char *reason = qmp_peek_string (line, "reason", "");

    replace (&self->reason, reason);
    replace (&self->verdict, qmp_peek_string (line, "verdict", NULL));
    self->downtime_us = qmp_peek_uint (line, "blackout_us", self->downtime_us);
    qmpmig_migration1_emit_advice (self->interface, reason, self->verdict, !self->observes);
}

static void
take_result (View *self, json_object *line)
{
    const char *outcome = qmp_peek_string (line, "outcome", "");
    const char *place = qmp_peek_string (line, "guest_runs_on", "unknown");

    qmpmig_migration1_set_outcome (self->interface, outcome);
    qmpmig_migration1_set_guest_runs_on (self->interface, place);
    self->elapsed_us = qmp_peek_uint (line, "total_us", self->elapsed_us);
    self->changed = TRUE;
    view_flush (self);
    qmpmig_migration1_emit_finished (self->interface, outcome, place,
                                     (int)qmp_peek_uint (line, "exit_code", 1),
                                     qmp_peek_string (line, "text", ""));
}

void
view_take (View *self, json_object *line)
{
    const char *type = qmp_peek_string (line, "type", "");

    if (g_str_equal (type, "sample"))
        take_sample (self, line);
    else if (g_str_equal (type, "advice"))
        take_advice (self, line);
    else if (g_str_equal (type, "header"))
        take_header (self, line);
    else if (g_str_equal (type, "result"))
        take_result (self, line);
    else
        return;
    self->changed = TRUE;
}

void
view_flush (View *self)
{
    if (!self->changed)
        return;
    self->changed = FALSE;
    qmpmig_migration1_set_status (self->interface, self->status);
    qmpmig_migration1_set_verdict (self->interface, self->verdict);
    qmpmig_migration1_set_reason (self->interface, self->reason);
    qmpmig_migration1_set_elapsed_usec (self->interface, self->elapsed_us);
    qmpmig_migration1_set_forecast_usec (self->interface, self->forecast_us);
    qmpmig_migration1_set_forecast_downtime_usec (self->interface, self->downtime_us);
    qmpmig_migration1_set_remaining_bytes (self->interface, self->remaining_bytes);
    qmpmig_migration1_set_throttle_pct (self->interface, self->throttle_pct);
    g_dbus_interface_skeleton_flush (G_DBUS_INTERFACE_SKELETON (self->interface));
}

void
view_reopen (View *self)
{
    qmpmig_migration1_set_outcome (self->interface, "");
}
