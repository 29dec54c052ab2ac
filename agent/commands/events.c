/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "agent/commands/command.h"

#include <stdio.h>

#include "agent/commands/reach.h"
#include "agent/commands/record.h"
#include "agent/display/text.h"
#include "agent/migration/status.h"

/* A stream of events: from the qmpmig that steers, or from QEMU. */
typedef struct {
    const CommandLine *line;
    Reach *reach;
    char **names;       /* upper case; empty: all */
    const char *end;    /* whose events QEMU's are; NULL: not known */
    gint64 deadline_us; /* G_MAXINT64: none */
} Listener;

static gboolean
is_over (const Listener *self)
{
    return g_get_monotonic_time () >= self->deadline_us;
}

/* The next wait; there is another one behind it. */
static gint64
turn_us (const Listener *self)
{
    return CLAMP (self->deadline_us - g_get_monotonic_time (), 0, G_USEC_PER_SEC);
}

/* "12:04:05.123456 STOP {...}", in local time as a log has it. */
static void
print_event (const Listener *self, json_object *event)
{
    Style style = record_style (self->line);
    gint64 stamp_us = (gint64)qmp_peek_uint (event, "timestamp_us", 0);
    g_autoptr (GDateTime) time = g_date_time_new_from_unix_local (stamp_us / G_USEC_PER_SEC);
    g_autofree char *clock = time ? g_date_time_format (time, "%H:%M:%S") : g_strdup ("");
    g_autofree char *name = text_peek (&style, event, "name");
    json_object *data = qmp_peek (event, "data");
    const char *json = data ? json_object_to_json_string_ext (data, JSON_C_TO_STRING_PLAIN) : "";
    g_autofree char *clean = text_clean (json, style.utf8);

    printf ("%s.%06d %s%s%s\n", clock, (int)(stamp_us % G_USEC_PER_SEC), name, *clean ? " " : "",
            clean);
    fflush (stdout);
}

static void
show (const Listener *self, json_object *event)
{
    if (command_global (self->line)->json)
        record_print (event);
    else
        print_event (self, event);
}

static gboolean
is_wanted (const Listener *self, const char *name)
{
    return !self->names[0] || g_strv_contains ((const char *const *)self->names, name);
}

/* --- from QEMU ------------------------------------------------------------------------------- */

static json_object *
event_line (const Listener *self, const QmpEvent *event)
{
    json_object *line = record_line (self->line, "event");
    json_object *data = qmp_peek (event->message, "data");

    if (self->end)
        json_object_object_add (line, "end", json_object_new_string (self->end));
    json_object_object_add (line, "name", json_object_new_string (event->name));
    if (event->timestamp_us >= 0)
        json_object_object_add (line, "timestamp_us", json_object_new_int64 (event->timestamp_us));
    if (data)
        json_object_object_add (line, "data", json_object_get (data));
    return line;
}

/* FALSE when nothing more comes; at the deadline without an error. */
static gboolean
next_from_qemu (Listener *self, GError **error)
{
    GError *local = NULL;
    g_autoptr (QmpEvent) event =
        qmp_client_wait_event (self->reach->qemu, NULL, turn_us (self), &local);

    if (event && is_wanted (self, event->name)) {
        g_autoptr (json_object) line = event_line (self, event);

        show (self, line);
    }
    if (event)
        return TRUE;
    if (g_error_matches (local, QMP_ERROR, QMP_ERROR_TIMEOUT)) {
        g_error_free (local);
        return !is_over (self);
    }
    g_propagate_error (error, local);
    return FALSE;
}

/* --- from the qmpmig that steers ------------------------------------------------------------- */

static gboolean
begin_stream (Listener *self, GError **error)
{
    json_object *names = json_object_new_array ();
    g_autoptr (json_object) answer = NULL;

    for (char **name = self->names; *name; name++)
        json_object_array_add (names, json_object_new_string (*name));
    answer = reach_ask (self->reach, "events", qmp_object ("names", names, NULL), error);
    return answer != NULL;
}

static gboolean
next_from_stream (Listener *self, GError **error)
{
    GError *local = NULL;
    gint64 timeout_us = self->deadline_us - g_get_monotonic_time ();
    g_autoptr (json_object) event = control_client_next (
        self->reach->control, self->deadline_us == G_MAXINT64 ? -1 : MAX (timeout_us, 0), &local);

    if (local && is_over (self)) {
        g_error_free (local);
        return FALSE;
    }
    if (local)
        g_propagate_error (error, local);
    if (!event || !g_str_equal (qmp_peek_string (event, "type", ""), "event"))
        return FALSE; /* its result: that qmpmig has done its work */
    show (self, event);
    return TRUE;
}

/* What waits for a guest is the destination, all else is or will be a source. */
static const char *
end_of (Reach *reach)
{
    g_autoptr (json_object) reply = reach_qmp (reach, "query-status", NULL, NULL);
    const char *run_state = qmp_peek_string (reply, "status", NULL);

    if (!run_state)
        return NULL;
    return end_name (g_str_equal (run_state, "inmigrate") ? END_DESTINATION : END_SOURCE);
}

static ExitCode
listen_to (Listener *self)
{
    gboolean is_steered = self->reach->control != NULL;
    GError *error = NULL;

    if (!is_steered)
        self->end = end_of (self->reach);

    if (!is_steered || begin_stream (self, &error)) {
        while (!ferror (stdout) && (is_steered ? next_from_stream : next_from_qemu) (self, &error))
            ;
    }
    return error ? command_fail (self->line, error) : EXIT_DONE;
}

/* --- the command ----------------------------------------------------------------------------- */

static gboolean
read_bound (const CommandLine *line, gint64 *ret_deadline_us, GError **error)
{
    const char *text = command_value (line, "for");
    guint64 bound_us = 0;

    if (text && !units_parse_time ("--for", text, &bound_us, error))
        return FALSE;
    *ret_deadline_us = text ? g_get_monotonic_time () + (gint64)bound_us : G_MAXINT64;
    return TRUE;
}

static char **
upper_case (char **names)
{
    g_autoptr (GStrvBuilder) upper = g_strv_builder_new ();

    for (; *names; names++) {
        g_autofree char *name = g_ascii_strup (*names, -1);

        g_strv_builder_add (upper, name);
    }
    return g_strv_builder_end (upper);
}

static ExitCode
run_events (const CommandLine *line)
{
    g_auto (GStrv) names = upper_case (command_arguments (line));
    Listener self = { .line = line, .names = names };
    GError *error = NULL;
    g_autoptr (Reach) reach = NULL;

    if (!read_bound (line, &self.deadline_us, &error))
        return command_fail (line, error);
    self.reach = reach = reach_open (line, &error);
    return reach ? listen_to (&self) : command_fail (line, error);
}

static const OptionSpec options[] = {
    { "for", 0, "TIME", "leave after that time (default: when QEMU ends)" },
    { 0 },
};

const Command command_events = {
    .name = "events",
    .arguments = "[NAME...]",
    .summary = "print QEMU's events as they come",
    .description =
        "Prints one line for each event of QEMU, or of those named only: time, name, data; with\n"
        "--json `event` lines. While a qmpmig steers a migration they come through that one, "
        "until\n"
        "the migration ends; else QEMU's monitor is held meanwhile.",
    .example = "  qmpmig --socket /run/web1.qmp events\n"
               "  qmpmig --socket /run/web1.qmp events STOP RESUME --for 10s",
    .options = options,
    .max_arguments = -1,
    .run = run_events,
};
