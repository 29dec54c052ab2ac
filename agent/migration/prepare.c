/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* From the plan to two ends that are as it says: written down first, then set, the destination
 * listening. */
#include "agent/migration/error.h"
#include "agent/migration/migration.h"
#include "agent/migration/tls.h"
#include "qmp/value.h"

/* What the plan leaves alone and a policy may set on the way. */
static const char *const knobs[] = { "avail-switchover-bandwidth", "max-postcopy-bandwidth" };

/* Takes PARAMETERS, which may be NULL, and gives them back with the knobs of the source. */
static json_object *
add_knobs (const Migration *m, json_object *parameters)
{
    for (guint i = 0; i < G_N_ELEMENTS (knobs); i++) {
        json_object *value = m->source ? qmp_peek (m->source->parameters, knobs[i]) : NULL;

        if (!value || qmp_peek (parameters, knobs[i]))
            continue;
        if (!parameters)
            parameters = json_object_new_object ();
        json_object_object_add (parameters, knobs[i], json_object_get (value));
    }
    return parameters;
}

static json_object *
before_of (const Migration *m, End end)
{
    json_object *capabilities = plan_capability_arguments (m->plan, end, TRUE);
    json_object *parameters = plan_parameter_arguments (m->plan, end, TRUE);
    json_object *before = json_object_new_object ();

    if (end == END_SOURCE)
        parameters = add_knobs (m, parameters);
    if (capabilities)
        json_object_object_add (before, "capabilities", capabilities);
    if (parameters)
        json_object_object_add (before, "parameters", parameters);
    return before;
}

static void
note_before (Migration *m)
{
    for (End end = END_SOURCE; end <= END_DESTINATION; end++) {
        json_object_put (m->before[end]);
        m->before[end] = before_of (m, end);
    }
    m->tls = m->options->tls;
}

gboolean
migration_begin (Migration *m, GError **error)
{
    note_before (m);
    m->journal = journal_begin (m->id, migration_journal_facts (m), error);
    m->touched = m->journal != NULL;
    return m->touched;
}

/* Under way to one end; 0: there is nothing to set. */
typedef struct {
    guint64 capabilities, parameters;
} Settings;

/* Takes ARGUMENTS; NULL: there is nothing to send. */
static gboolean
send_setting (Vm *vm, const char *command, json_object *arguments, guint64 *ret_id, GError **error)
{
    if (!arguments)
        return TRUE;
    *ret_id = qmp_client_send (vm->client, command, arguments, QMP_CALL_DEFAULT, error);
    return *ret_id != 0;
}

static gboolean
send_settings (Migration *m, Vm *vm, Settings *settings, GError **error)
{
    return send_setting (vm, "migrate-set-capabilities",
                         plan_capability_arguments (m->plan, vm->end, FALSE),
                         &settings->capabilities, error) &&
           send_setting (vm, "migrate-set-parameters",
                         plan_parameter_arguments (m->plan, vm->end, FALSE), &settings->parameters,
                         error);
}

static gboolean
await_setting (Vm *vm, guint64 id, GError **error)
{
    g_autoptr (json_object) reply = id ? qmp_client_finish (vm->client, id, 0, error) : NULL;

    return !id || reply;
}

static gboolean
await_settings (Vm *vm, const Settings *settings, GError **error)
{
    gboolean capable = await_setting (vm, settings->capabilities, error);

    return await_setting (vm, settings->parameters, capable ? error : NULL) && capable;
}

static void
note_parameters (Migration *m, Vm *vm)
{
    g_autoptr (json_object) set = plan_parameter_arguments (m->plan, vm->end, FALSE);

    if (!set)
        return;
    json_object_object_foreach (set, name, value)
        json_object_object_add (vm->parameters, name, json_object_get (value));
}

/* SETTINGS: of both ends. */
static gboolean
send_plan (Migration *m, Settings *settings, GError **error)
{
    Vm *ends[] = { m->destination, m->source };

    for (guint i = 0; i < G_N_ELEMENTS (ends); i++)
        if (ends[i] && (!tls_create (ends[i], &m->options->tls, error) ||
                        !send_settings (m, ends[i], &settings[ends[i]->end], error)))
            return FALSE;
    return TRUE;
}

static gboolean
plan_without_postcopy (Migration *m, GError **error)
{
    m->options->postcopy = POSTCOPY_NEVER;
    g_clear_pointer (&m->plan, plan_free);
    m->plan = plan_new (m->options, m->uri, m->source, m->destination, error);
    if (!m->plan)
        return FALSE;
    m->limits.postcopy = QMPMIG_POSTCOPY_NEVER;
    note_before (m);
    return TRUE;
}

/* What a first plan has set already, a second one would take for found. */
static gboolean
put_settings_back (Migration *m, Vm *vm)
{
    json_object *capabilities = qmp_peek (m->before[vm->end], "capabilities");
    json_object *parameters = qmp_peek (m->before[vm->end], "parameters");

    return (!capabilities ||
            vm_tell (vm, "migrate-set-capabilities", json_object_get (capabilities), NULL)) &&
           (!parameters ||
            vm_tell (vm, "migrate-set-parameters", json_object_get (parameters), NULL));
}

static gboolean
start_over_without_postcopy (Migration *m, Settings *settings)
{
    /* What the source says to the old plan does not matter any more. */
    await_settings (m->source, &settings[END_SOURCE], NULL);
    settings[END_SOURCE] = settings[END_DESTINATION] = (Settings){ 0 };
    return put_settings_back (m, m->destination) && put_settings_back (m, m->source) &&
           plan_without_postcopy (m, NULL) && send_plan (m, settings, NULL) &&
           await_settings (m->destination, &settings[END_DESTINATION], NULL);
}

/* Where a destination cannot take page faults in user space, postcopy goes off the plan, unless it
 * was asked for: then that is a refusal. */
static gboolean
settle_destination (Migration *m, Settings *settings, GError **error)
{
    g_autoptr (GError) why = NULL;

    if (await_settings (m->destination, &settings[END_DESTINATION], &why))
        return TRUE;
    if (g_error_matches (why, QMP_ERROR, QMP_ERROR_REFUSED) &&
        m->plan->postcopy != POSTCOPY_NEVER && m->options->postcopy == POSTCOPY_AUTO &&
        start_over_without_postcopy (m, settings)) {
        migration_notice (m, "warning", "no-postcopy", "postcopy is not available: %s",
                          why->message);
        return TRUE;
    }
    g_propagate_error (error, g_steal_pointer (&why));
    return FALSE;
}

/* `stop` in inmigrate clears autostart as -S does: from here on the destination cannot start the
 * guest by itself, whatever happens to us. `cont` would undo it. */
static gboolean
clear_autostart (Migration *m, GError **error)
{
    if (!vm_tell (m->destination, "stop", NULL, error) ||
        !journal_step (m->journal, JOURNAL_AUTOSTART, error))
        return FALSE;
    m->autostart_cleared = TRUE;
    return TRUE;
}

gboolean
migration_take_real_port (Migration *m, GError **error)
{
    g_autoptr (json_object) reply = NULL;
    json_object *addresses, *first;
    MigrationStatus status;
    g_autofree char *text = NULL;
    guint64 port;

    if ((m->uri->kind != URI_TCP && m->uri->kind != URI_FD_TCP) || m->uri->port != 0)
        return TRUE;
    if (!vm_query_status (m->destination, 0, &status, &reply, error) ||
        !qmp_get_array (reply, "socket-address", "destination: query-migrate", &addresses, error))
        return FALSE;
    first = json_object_array_get_idx (addresses, 0);
    port = g_ascii_strtoull (first ? qmp_peek_string (first, "port", "0") : "0", NULL, 10);
    text = migration_uri_with_port (m->uri, (guint16)port);
    g_clear_pointer (&m->uri, migration_uri_free);
    m->uri = migration_uri_parse (text, FALSE, error);
    return m->uri != NULL;
}

static gboolean
start_incoming (Migration *m, GError **error)
{
    g_autofree char *listen = migration_uri_listen_text (m->uri);

    if (!clear_autostart (m, error))
        return FALSE;
    if (m->destination->status != STATUS_NONE)
        return TRUE; /* it listens already */
    m->incoming_sent = TRUE;
    return vm_listen (m->destination, listen, error) && migration_take_real_port (m, error);
}

/* The source reads its settings while the destination takes its own and begins to listen, and we
 * tell of the plan while both read: a start is mostly waiting for QEMU. */
gboolean
migration_prepare (Migration *m, GError **error)
{
    Settings settings[2] = { 0 };
    gboolean sent = send_plan (m, settings, error);
    gboolean listens;

    migration_post_plan (m);
    if (!sent)
        return FALSE;
    listens =
        !m->destination || (settle_destination (m, settings, error) && start_incoming (m, error));
    if (!await_settings (m->source, &settings[END_SOURCE], listens ? error : NULL) || !listens)
        return FALSE;
    note_parameters (m, m->source);
    if (m->destination)
        note_parameters (m, m->destination);
    return !m->options->offline || !m->was_live || migration_pause_guest (m, error);
}
