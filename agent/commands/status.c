/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "agent/commands/command.h"

#include <stdio.h>

#include "agent/commands/follow.h"
#include "agent/commands/record.h"
#include "agent/commands/status-text.h"
#include "agent/display/display.h"
#include "agent/migration/arrival.h"
#include "agent/migration/error.h"

/* Who is asked before a migration has begun may still be connecting. */
#define EARLY_ANSWER_US G_USEC_PER_SEC

/* What there is to say, wherever it comes from. */
typedef struct {
    json_object *header, *sample, *result; /* RESULT may be NULL */
    pid_t pid;                             /* of the qmpmig that steers; 0: nobody */
    gboolean waits;                        /* that one waits for a migration to begin */
    char *run_state;                       /* then */
} State;

static void
state_clear (State *self)
{
    json_object_put (self->header);
    json_object_put (self->sample);
    json_object_put (self->result);
    g_free (self->run_state);
}

G_DEFINE_AUTO_CLEANUP_CLEAR_FUNC (State, state_clear)

/* A qmpmig that steers but has not looked at its migration yet. */
static json_object *
sample_before_start (const State *state)
{
    json_object *sample = qmp_object ("status", json_object_new_string ("none"), "phase",
                                      json_object_new_string ("setup"), "verdict",
                                      json_object_new_string ("unknown"), NULL);
    const char *run_state =
        qmp_peek_string (state->header, "ends.source.run_state", state->run_state);

    if (run_state)
        json_object_object_add (sample, "run_state", json_object_new_string (run_state));
    return sample;
}

/* One question through a qmpmig that may not have come so far as to answer any. */
static json_object *
ask_early (Reach *reach, const char *command)
{
    json_object *arguments = qmp_object ("execute", json_object_new_string (command), NULL);
    g_autoptr (json_object) answer =
        control_client_call (reach->control, "qmp", arguments, EARLY_ANSWER_US, NULL);

    return json_object_get (qmp_peek (answer, "return"));
}

/* Nothing has begun, but whoever waits for that answers for QEMU. */
static void
read_waiting (Reach *reach, State *state)
{
    g_autoptr (json_object) run = ask_early (reach, "query-status");
    g_autoptr (json_object) name = run ? ask_early (reach, "query-name") : NULL;
    g_autoptr (json_object) now = name ? reach_ask (reach, "status", NULL, NULL) : NULL;
    const char *text = qmp_peek_string (name, "name", NULL);

    state->header = json_object_get (qmp_peek (now, "header"));
    state->sample = json_object_get (qmp_peek (now, "sample"));
    state->result = json_object_get (qmp_peek (now, "result"));
    state->waits = now && !state->header && !state->result;
    if (!state->waits)
        return;
    state->run_state = g_strdup (qmp_peek_string (run, "status", NULL));
    if (text)
        state->header =
            qmp_object ("vm", qmp_object ("name", json_object_new_string (text), NULL), NULL);
}

static json_object *
steerer (const State *state)
{
    json_object *steerer = qmp_object ("pid", json_object_new_int (state->pid), "program",
                                       json_object_new_string ("qmpmig"), NULL);

    if (state->waits)
        json_object_object_add (steerer, "waits", json_object_new_boolean (TRUE));
    return steerer;
}

/* Through the destination's monitor: how it is there follows from what the source says, as the
 * destination itself is not asked while others wait for its answers. */
static void
add_arrival (State *state, guint64 monitor)
{
    if (monitor == 0)
        return;
    arrival_add (state->sample, status_parse (qmp_peek_string (state->sample, "status", NULL)),
                 NULL);
    json_object_object_add (state->sample, "seen_from_source", json_object_new_boolean (TRUE));
}

static gboolean
read_steered (Reach *reach, State *state, GError **error)
{
    g_autoptr (json_object) status = reach_ask (reach, "status", NULL, error);

    if (!status)
        return FALSE;
    state->pid = (pid_t)qmp_peek_uint (status, "pid", 0);
    state->header = json_object_get (qmp_peek (status, "header"));
    state->sample = json_object_get (qmp_peek (status, "sample"));
    state->result = json_object_get (qmp_peek (status, "result"));
    if (!state->header && !state->result)
        read_waiting (reach, state);
    if (!state->sample)
        state->sample = sample_before_start (state);
    add_arrival (state, qmp_peek_uint (status, "monitor", 0));
    json_object_object_add (state->sample, "steered_by", steerer (state));
    return TRUE;
}

static void
add_reasons (json_object *sample, const Look *look)
{
    const char *desc = qmp_peek_string (look->migrate, "error-desc", NULL);
    json_object *blocked = qmp_peek (look->migrate, "blocked-reasons");

    if (desc)
        json_object_object_add (sample, "error",
                                qmp_object ("desc", json_object_new_string (desc), NULL));
    if (json_object_is_type (blocked, json_type_array))
        json_object_object_add (sample, "blocked_reasons", json_object_get (blocked));
}

static gboolean
read_qemu (Reach *reach, State *state, GError **error)
{
    g_auto (Look) look = { 0 };
    Tracker tracker;

    if (!look_take (reach, &look, error))
        return FALSE;
    tracker_init (&tracker);
    state->header = look_header (&look, reach);
    state->sample = look_sample (&look, &tracker, 0);
    add_reasons (state->sample, &look);
    return TRUE;
}

/* --- one look -------------------------------------------------------------------------------- */

static void
print_sample (const CommandLine *line, json_object *sample)
{
    g_autoptr (json_object) whole = record_line (line, "sample");

    /* That of the record has the time of the move, which is what it was looked at for. */
    json_object_object_foreach (sample, key, value)
        json_object_object_add (whole, key, json_object_get (value));
    record_print (whole);
}

static ExitCode
look_once (const CommandLine *line, Reach *reach)
{
    g_auto (State) state = { 0 };
    GError *error = NULL;
    g_autofree char *text = NULL;
    Style style;

    if (!(reach->control ? read_steered : read_qemu) (reach, &state, &error))
        return command_fail (line, error);
    if (command_global (line)->json) {
        print_sample (line, state.sample);
        return EXIT_DONE;
    }
    style = record_style (line);
    text = status_text (&style, state.header, state.sample, state.result, state.pid);
    fputs (text, stdout);
    return EXIT_DONE;
}

/* --- to the end ------------------------------------------------------------------------------ */

/* Is there a migration, running or past, whose end can be told? */
static gboolean
find_migration (Reach *reach, gboolean *ret_found, GError **error)
{
    g_auto (Look) look = { 0 };

    if (!reach->control && !look_take (reach, &look, error))
        return FALSE;
    *ret_found = reach->control || look.status != STATUS_NONE || look.is_destination;
    return TRUE;
}

static void
show (Display *display, gboolean is_silent, gboolean json, json_object *line)
{
    gboolean is_result = g_str_equal (qmp_peek_string (line, "type", ""), "result");

    if (json && (is_result || !is_silent))
        record_print (line);
    else if (!json)
        display_line (display, line);
}

static ExitCode
follow (const CommandLine *line, Reach *reach, gboolean is_silent)
{
    const GlobalOptions *global = command_global (line);
    DisplayOptions options = { 0 };
    g_autoptr (Display) display = NULL;
    GError *error = NULL;
    g_autoptr (Follow) following = follow_new (reach, &error);
    ExitCode code = EXIT_INTERNAL;
    json_object *next;

    display_options_init (&options, global);
    options.quiet |= is_silent;
    display = display_new (&options);
    while (following && !ferror (stdout) && (next = follow_next (following, &error)) != NULL) {
        code = (ExitCode)qmp_peek_uint (next, "exit_code", code);
        show (display, is_silent, global->json, next);
        json_object_put (next);
    }
    display_break (display);
    if (error)
        return command_fail (line, error);
    return is_silent ? code : EXIT_DONE;
}

static ExitCode
run_status (const CommandLine *line)
{
    gboolean is_silent = command_flag (line, "wait");
    GError *error = NULL;
    g_autoptr (Reach) reach = reach_open (line, &error);
    gboolean found = FALSE;

    if (!reach)
        return command_fail (line, error);
    if (!is_silent && !command_flag (line, "watch"))
        return look_once (line, reach);
    if (find_migration (reach, &found, &error) && !found && is_silent)
        migrate_fail (&error, EXIT_REFUSED, "%s: there is no migration to wait for",
                      reach_vm (reach));
    if (error)
        return command_fail (line, error);
    return found ? follow (line, reach, is_silent) : look_once (line, reach);
}

static const OptionSpec options[] = {
    { "watch", 0, NULL, "draw it until the migration ends" },
    { "wait", 0, NULL, "wait silently until it ends; exit with its code" },
    { 0 },
};

const Command command_status = {
    .name = "status",
    .arguments = "",
    .summary = "one VM and its migration",
    .description =
        "Says what the VM does and how far its migration is, whoever started it. Asks the qmpmig\n"
        "that steers it, and QEMU itself where none does. --json gives one `sample` line.\n"
        "Exits 0 whenever it could answer; --wait with the code of the migration, or 4 when there\n"
        "is none.",
    .example = "  qmpmig --socket /run/web1.qmp status\n"
               "  qmpmig --socket /run/web1.qmp status --wait && echo moved",
    .options = options,
    .run = run_status,
};
