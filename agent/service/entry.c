/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "agent/service/entry.h"

#include "agent/service/log.h"
#include "agent/service/reply.h"
#include "qmp/value.h"

/* Whoever wants to know how it ended has so long to look. */
#define KEPT_US (60 * G_TIME_SPAN_SECOND)

struct Entry {
    const EntryHost *host;
    Order *order; /* a copy */
    Job *job;     /* NULL: it has ended */
    View *view;
    Ticket *ticket;
    GDBusMethodInvocation *waiting; /* for a path, or for the end of `recover` */
    gboolean recovers, began, stuck, active;
    guint64 wanted_bytes_per_s;
    ExitCode exit_code;
    gint64 ended_us;
};

/* -- Answers -- */

static void
answer_path (Entry *self)
{
    if (self->waiting && !self->recovers)
        g_dbus_method_invocation_return_value (g_steal_pointer (&self->waiting),
                                               g_variant_new ("(o)", view_path (self->view)));
}

static void
answer_end (Entry *self, json_object *result)
{
    GDBusMethodInvocation *waiting = g_steal_pointer (&self->waiting);

    if (!waiting)
        return;
    if (self->recovers && self->exit_code == EXIT_DONE)
        g_dbus_method_invocation_return_value (waiting, NULL);
    else
        reply_code (waiting, self->exit_code, qmp_peek_string (result, "text", "it ended"));
}

/* -- What a job tells -- */

static void
on_named (Job *job, gpointer data)
{
    Entry *self = data;

    if (self->view)
        return;
    self->view = view_new (self->host->manager, job);
    self->host->exported (self, self->host->data);
    if (self->order->waits)
        answer_path (self);
}

static void
take_header (Entry *self, json_object *line)
{
    json_object *found = self->order->found;
    const char *limit = "ends.source.parameters.max-bandwidth";

    self->began = TRUE;
    self->wanted_bytes_per_s =
        qmp_peek_uint (line, "limits.bandwidth_bytes_per_s", qmp_peek_uint (line, limit, 0));
    if (self->order->kind == ORDER_START)
        self->wanted_bytes_per_s = qmp_peek_uint (line, "limits.bandwidth_bytes_per_s", 0);
    if (!found)
        found = qmp_peek (line, "ends.source.parameters");
    if (self->ticket)
        ticket_update (self->ticket, self->order, job_id (self->job), found);
    log_start (self->job);
    answer_path (self);
}

static void
take_sample (Entry *self, json_object *line)
{
    gboolean stuck = g_str_has_prefix (qmp_peek_string (line, "verdict", ""), "cannot");

    self->active = g_str_equal (qmp_peek_string (line, "status", ""), "active");
    metrics_see (self->host->metrics, job_id (self->job), job_vm_name (self->job),
                 job_vm_uuid (self->job), line);
    if (stuck && !self->stuck)
        log_stuck (self->job, "nothing that is permitted can end it");
    self->stuck = stuck;
}

static void
take_result (Entry *self, json_object *line)
{
    gboolean left;

    self->exit_code = (ExitCode)qmp_peek_uint (line, "exit_code", EXIT_INTERNAL);
    left = self->exit_code == EXIT_LEFT;
    self->active = FALSE;
    if (self->began) {
        metrics_count (self->host->metrics, job_id (self->job), line);
        log_end (self->job, line);
    }
    /* The record of this one is closed; what goes on is another one. */
    if (self->ticket && left)
        ticket_update (self->ticket, self->order, NULL, self->order->found);
    ticket_free (g_steal_pointer (&self->ticket), left);
    answer_end (self, line);
}

static void
on_line (Job *job, json_object *line, gpointer data)
{
    Entry *self = data;
    const char *type = qmp_peek_string (line, "type", "");

    if (g_str_equal (type, "sample"))
        take_sample (self, line);
    else if (g_str_equal (type, "header"))
        take_header (self, line);
    else if (g_str_equal (type, "result"))
        take_result (self, line);
    if (self->view)
        view_take (self->view, line);
}

static void
on_ended (Job *job, gpointer data)
{
    Entry *self = data;

    job_free (g_steal_pointer (&self->job));
    self->ended_us = g_get_monotonic_time ();
    self->host->ended (self, self->host->data);
}

static const JobEvents events = { .named = on_named, .line = on_line, .ended = on_ended };

/* -- Its life -- */

static gboolean
start (Entry *self, Order *order, Config *config, Traits *traits, Mode mode, GError **error)
{
    g_autoptr (Order) taken = order;
    g_autoptr (Traits) known = traits;
    g_autoptr (Config) given = config;

    if (!order_give (order, config, error))
        return FALSE;
    self->job = job_new (g_steal_pointer (&taken), g_steal_pointer (&given),
                         g_steal_pointer (&known), mode, &events, self, error);
    if (self->job)
        job_start (self->job);
    return self->job != NULL;
}

static Order *
copy_of (const Order *order)
{
    g_autoptr (json_object) json = order_to_json (order);

    return order_from_json (json);
}

static void
give_up (GDBusMethodInvocation *invocation, const Order *order, const GError *error)
{
    if (invocation)
        reply_error (invocation, error);
    else
        g_warning ("%s: %s", order->address, error->message);
}

Entry *
entry_new (const EntryHost *host, Order *order, Config *config, Traits *traits, Mode mode,
           GDBusMethodInvocation *invocation)
{
    Entry *self = g_new0 (Entry, 1);
    g_autoptr (GError) error = NULL;

    self->host = host;
    self->order = copy_of (order);
    if (start (self, order, config, traits, mode, &error)) {
        self->waiting = invocation;
        self->ticket = ticket_new (self->order);
        return self;
    }
    give_up (invocation, self->order, error);
    entry_free (self);
    return NULL;
}

void
entry_free (Entry *self)
{
    if (!self)
        return;
    view_free (self->view);
    ticket_free (self->ticket, TRUE);
    order_free (self->order);
    g_free (self);
}

void
entry_recover (Entry *self, Order *order, Config *config, GDBusMethodInvocation *invocation)
{
    g_autoptr (GError) error = NULL;

    if (!start (self, order, config, NULL, MODE_STEER, &error)) {
        give_up (invocation, self->order, error);
        return;
    }
    self->waiting = invocation;
    self->recovers = TRUE;
    view_reopen (self->view);
}

Job *
entry_job (Entry *self)
{
    return self->job;
}

const Order *
entry_order (const Entry *self)
{
    return self->order;
}

View *
entry_view (Entry *self)
{
    return self->view;
}

ExitCode
entry_exit_code (const Entry *self)
{
    return self->exit_code;
}

gboolean
entry_is_old (const Entry *self)
{
    return !self->job && (!self->view || g_get_monotonic_time () - self->ended_us > KEPT_US);
}

gboolean
entry_wants (const Entry *self, guint64 *ret_bytes_per_s)
{
    *ret_bytes_per_s = self->wanted_bytes_per_s;
    return self->active;
}
