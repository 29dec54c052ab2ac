/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "agent/commands/look.h"

#include "agent/commands/record.h"
#include "agent/migration/arrival.h"

void
look_clear (Look *self)
{
    json_object_put (self->migrate);
    json_object_put (self->run);
    json_object_put (self->parameters);
    *self = (Look){ 0 };
}

/* A receiving QEMU counts no memory. */
static gboolean
looks_incoming (const Look *self)
{
    if (g_strcmp0 (self->run_state, "inmigrate") == 0)
        return TRUE;
    return !qmp_peek (self->migrate, "ram") &&
           (self->status == STATUS_ACTIVE || self->status == STATUS_COMPLETED ||
            status_is_postcopy (self->status));
}

gboolean
look_take (Reach *reach, Look *ret_look, GError **error)
{
    g_auto (Look) look = { 0 };

    look.migrate = reach_qmp (reach, "query-migrate", NULL, error);
    look.run = look.migrate ? reach_qmp (reach, "query-status", NULL, error) : NULL;
    look.parameters = look.run ? reach_qmp (reach, "query-migrate-parameters", NULL, error) : NULL;
    if (!look.parameters)
        return FALSE;
    look.word = qmp_peek_string (look.migrate, "status", "none");
    look.status = status_parse (look.word);
    look.run_state = qmp_peek_string (look.run, "status", NULL);
    look.is_destination = looks_incoming (&look);
    look_clear (ret_look);
    *ret_look = look;
    look = (Look){ 0 };
    return TRUE;
}

guint64
look_remaining_bytes (const Look *self)
{
    return qmp_peek_uint (self->migrate, "ram.remaining", SAMPLE_UNKNOWN);
}

guint64
look_bandwidth_bytes_per_s (const Look *self)
{
    double mbps = qmp_peek_double (self->migrate, "ram.mbps", 0);

    return mbps > 0 ? (guint64)(mbps * 1e6 / 8) : SAMPLE_UNKNOWN;
}

guint64
look_blackout_us (const Look *self)
{
    guint64 remaining = look_remaining_bytes (self);
    guint64 bandwidth = look_bandwidth_bytes_per_s (self);

    if (remaining == SAMPLE_UNKNOWN || bandwidth == SAMPLE_UNKNOWN || bandwidth == 0)
        return SAMPLE_UNKNOWN;
    return (guint64)((double)remaining * G_USEC_PER_SEC / (double)bandwidth);
}

gboolean
look_has_capability (Reach *reach, const char *name, gboolean *ret_on, GError **error)
{
    g_autoptr (json_object) list = reach_qmp (reach, "query-migrate-capabilities", NULL, error);

    if (!list)
        return FALSE;
    *ret_on = FALSE;
    for (gsize i = 0; i < qmp_length (list); i++) {
        json_object *entry = json_object_array_get_idx (list, i);

        if (g_str_equal (qmp_peek_string (entry, "capability", ""), name))
            *ret_on = qmp_peek_bool (entry, "state", FALSE);
    }
    return TRUE;
}

/* --- as lines -------------------------------------------------------------------------------- */

/* With what TRACKER makes of it and of those before. Nobody of ours has set a limit: QEMU's counts.
 */
json_object *
look_sample (const Look *self, Tracker *tracker, guint64 now_us)
{
    Limits limits = { .max_throttle_pct = 99 };
    Sample sample;
    json_object *json;

    sample_init (&sample);
    sample_read_migrate (&sample, &tracker->outlook, self->migrate);
    sample_read_parameters (&sample, self->parameters);
    limits.max_downtime_us = limits.max_stall_us = sample.downtime_limit_us;
    tracker_take (tracker, &sample, &limits, now_us);
    json = sample_to_json (&sample, &tracker->outlook, self->word, self->run_state);
    if (self->is_destination)
        arrival_add (json, self->status, self->migrate);
    return json;
}

static json_object *
end_object (const Look *self, Reach *reach)
{
    const QmpVersion *version = reach->qemu ? qmp_client_version (reach->qemu) : NULL;
    g_autofree char *number =
        version ? g_strdup_printf ("%u.%u.%u", version->major, version->minor, version->micro)
                : NULL;
    json_object *end = qmp_object ("address", json_object_new_string (reach->global->socket->text),
                                   "observed", json_object_new_boolean (TRUE), NULL);

    qmp_add_string (end, "version", number);
    qmp_add_string (end, "package", version ? version->package : NULL);
    qmp_add_string (end, "run_state", self->run_state);
    return end;
}

json_object *
look_header (const Look *self, Reach *reach)
{
    json_object *ends = qmp_object (self->is_destination ? "destination" : "source",
                                    end_object (self, reach), NULL);
    json_object *header = record_line (reach->line, "header");

    json_object_object_add (header, "tool",
                            qmp_object ("name", json_object_new_string ("qmpmig"), "version",
                                        json_object_new_string (QMPMIG_VERSION), NULL));
    json_object_object_add (header, "role",
                            json_object_new_string (self->is_destination ? "incoming" : "watch"));
    json_object_object_add (header, "vm",
                            qmp_object ("name", json_object_new_string (reach_vm (reach)), NULL));
    json_object_object_add (header, "ends", ends);
    return header;
}

typedef struct {
    const char *outcome;
    ExitCode exit_code;
    const char *guest_runs_on;
} Ending;

static Ending
source_ending (const Look *self, gboolean was_postcopy)
{
    if (self->status == STATUS_COMPLETED)
        return (Ending){ "handed-over", EXIT_DONE, "unknown" };
    if (self->status == STATUS_POSTCOPY_PAUSED)
        return (Ending){ "postcopy-paused", EXIT_POSTCOPY_PAUSED, "both-halves" };
    if (was_postcopy)
        return (Ending){ "undecided", EXIT_UNDECIDED, "unknown" };
    if (self->status == STATUS_NONE)
        return (Ending){ "failed", EXIT_REFUSED, "source" };
    if (run_state_is_ended (self->run_state))
        return (Ending){ "guest-ended", EXIT_GUEST_ENDED, "nowhere" };
    if (self->status == STATUS_CANCELLED)
        return (Ending){ "cancelled", EXIT_CANCELLED, "source" };
    return (Ending){ "failed", EXIT_FAILED, "source" };
}

/* What has not arrived whole may be anywhere, seen from here. */
static Ending
destination_ending (const Look *self)
{
    if (self->status == STATUS_COMPLETED)
        return (Ending){ "completed", EXIT_DONE, "destination" };
    if (self->status == STATUS_POSTCOPY_PAUSED)
        return (Ending){ "postcopy-paused", EXIT_POSTCOPY_PAUSED, "both-halves" };
    return (Ending){ "failed", EXIT_FAILED, "unknown" };
}

static void
add_numbers (const Look *self, json_object *result)
{
    static const struct {
        const char *key, *path;
        guint64 factor;
    } numbers[] = {
        { "total_us", "total-time", 1000 },
        { "blackout_us", "downtime", 1000 },
        { "sent_bytes", "ram.transferred", 1 },
    };

    for (gsize i = 0; i < G_N_ELEMENTS (numbers); i++) {
        guint64 value = qmp_peek_uint (self->migrate, numbers[i].path, SAMPLE_UNKNOWN);

        if (value != SAMPLE_UNKNOWN)
            json_object_object_add (result, numbers[i].key,
                                    json_object_new_uint64 (value * numbers[i].factor));
    }
    if (qmp_peek (result, "blackout_us"))
        qmp_add_string (result, "blackout_source", "qemu");
}

static void
add_error (const Look *self, json_object *result)
{
    const char *desc = qmp_peek_string (self->migrate, "error-desc", NULL);
    const char *end = self->is_destination ? "destination" : "source";
    json_object *error = qmp_object ("end", json_object_new_string (end), NULL);

    qmp_add_string (error, "desc", desc);
    qmp_add_string (error, "text", desc ? desc : "QEMU gives no reason");
    json_object_object_add (result, "error", error);
}

static void
add_list (json_object *result, const char *key, const char *text)
{
    json_object *list = json_object_new_array ();

    json_object_array_add (list, json_object_new_string (text));
    json_object_object_add (result, key, list);
}

/* What the operator has to look at and to type where the end is not the end of it. */
static void
add_advice (json_object *result, ExitCode code, const char *address)
{
    g_autofree char *recover = g_strdup_printf ("qmpmig --socket %s recover", address);

    if (code == EXIT_UNDECIDED)
        add_list (result, "check",
                  "does the guest run at the destination? Its own monitor tells: qmpmig --socket "
                  "ADDRESS status");
    if (code == EXIT_POSTCOPY_PAUSED || code == EXIT_UNDECIDED)
        add_list (result, "commands", recover);
}

json_object *
look_result (const Look *self, Reach *reach, gboolean was_postcopy)
{
    Ending ending =
        self->is_destination ? destination_ending (self) : source_ending (self, was_postcopy);
    g_autofree char *text = g_strdup_printf ("%s: QEMU reports %s", reach_vm (reach), self->word);
    json_object *result = record_line (reach->line, "result");

    qmp_add_string (result, "outcome", ending.outcome);
    json_object_object_add (result, "exit_code", json_object_new_int (ending.exit_code));
    qmp_add_string (result, "guest_runs_on", ending.guest_runs_on);
    qmp_add_string (result, "run_state", self->run_state);
    qmp_add_string (result, "text", text);
    add_numbers (self, result);
    add_advice (result, ending.exit_code, reach->global->socket->text);
    if (g_str_equal (ending.outcome, "failed"))
        add_error (self, result);
    return result;
}
