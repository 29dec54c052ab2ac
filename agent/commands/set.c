/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "agent/commands/command.h"

#include <string.h>

#include "agent/commands/look.h"
#include "agent/commands/record.h"
#include "agent/commands/settings.h"
#include "agent/migration/error.h"
#include "agent/parameter.h"

/* Split at the first '='. */
typedef struct {
    char *key;
    const char *text;
} Assignment;

static void
assignment_free (gpointer data)
{
    Assignment *self = data;

    g_free (self->key);
    g_free (self);
}

/* What can be found wrong without asking anybody is found before anybody is asked. */
static gboolean
check_assignment (const Assignment *self, GError **error)
{
    g_autoptr (json_object) value = NULL;

    if (limit_is_known (self->key))
        return limit_check (self->key, self->text, error);
    if (!parameter_has_unit (self->key))
        return TRUE;
    value = parameter_parse (self->key, self->text, NULL, error);
    return value != NULL;
}

static GPtrArray *
parse_assignments (char **words, GError **error)
{
    g_autoptr (GPtrArray) assignments = g_ptr_array_new_with_free_func (assignment_free);

    for (; *words; words++) {
        const char *equals = strchr (*words, '=');
        Assignment *assignment;

        if (!equals || equals == *words) {
            g_set_error (error, UNITS_ERROR, 0, "'%s' is not KEY=VALUE", *words);
            return NULL;
        }
        assignment = g_new0 (Assignment, 1);
        assignment->key = g_strndup (*words, (gsize)(equals - *words));
        assignment->text = equals + 1;
        g_ptr_array_add (assignments, assignment);
        if (!check_assignment (assignment, error))
            return NULL;
    }
    return g_steal_pointer (&assignments);
}

/* Adds to TO what the key is set to: for one of our limits its text, for QEMU its own value. */
static gboolean
add_value (const Assignment *self, const Settings *now, json_object *to, GError **error)
{
    json_object *value;

    if (limit_is_known (self->key) && !now->limits)
        return migrate_fail (error, EXIT_REFUSED,
                             "%s is a limit of a migration that qmpmig steers, and none runs",
                             self->key);
    if (limit_is_known (self->key)) {
        value = json_object_new_string (self->text);
    } else {
        if (!json_object_object_get_ex (now->parameters, self->key, NULL))
            return settings_fail_unknown (now, self->key, error);
        value =
            parameter_parse (self->key, self->text, qmp_peek (now->parameters, self->key), error);
    }
    if (!value)
        return FALSE;
    json_object_object_add (to, self->key, value);
    return TRUE;
}

static json_object *
values_of (const GPtrArray *assignments, const Settings *now, GError **error)
{
    g_autoptr (json_object) values = json_object_new_object ();

    for (guint i = 0; i < assignments->len; i++)
        if (!add_value (g_ptr_array_index (assignments, i), now, values, error))
            return NULL;
    return g_steal_pointer (&values);
}

/* All in one command, so that QEMU takes all or nothing. Then what it says it has. */
static gboolean
apply (Reach *reach, json_object *values, Settings *ret_after, GError **error)
{
    g_autoptr (json_object) answer = NULL;

    json_object_get (values);
    if (reach->control) {
        answer = reach_ask (reach, "set", values, error);
        if (answer)
            settings_take (ret_after, answer);
        return answer != NULL;
    }
    answer = reach_qmp (reach, "migrate-set-parameters", values, error);
    return answer && settings_read (reach, ret_after, error);
}

static char *
value_text (const Settings *settings, const char *key)
{
    return limit_is_known (key) ? limit_format (settings->limits, key)
                                : parameter_format (key, qmp_peek (settings->parameters, key));
}

static void
say_change (const CommandLine *line, const char *key, const Settings *before, const Settings *after)
{
    g_autofree char *was = value_text (before, key);
    g_autofree char *is = value_text (after, key);
    const char *cut = qmp_peek_string (after->cut, key, NULL);

    record_say (line, "set", "%s: %s (was %s%s%s)", key, is, was, cut ? "; " : "", cut ? cut : "");
}

static gboolean
migration_runs (Reach *reach)
{
    g_autoptr (json_object) reply = reach_qmp (reach, "query-migrate", NULL, NULL);

    return status_is_running (status_parse (qmp_peek_string (reply, "status", NULL)));
}

static void
warn_if_late (const CommandLine *line, Reach *reach, const GPtrArray *assignments)
{
    for (guint i = 0; i < assignments->len; i++) {
        const Assignment *assignment = g_ptr_array_index (assignments, i);

        if (parameter_is_for_next (assignment->key) && migration_runs (reach))
            record_warn (line, "no-effect",
                         "%s is read when a migration starts: the one that runs does not heed it",
                         assignment->key);
    }
}

static json_object *
cut_texts (const Settings *after)
{
    json_object *texts = json_object_new_array ();

    json_object_object_foreach (after->cut, key, why) {
        g_autofree char *is = value_text (after, key);
        g_autofree char *text =
            g_strdup_printf ("%s: %s; %s", key, is, json_object_get_string (why));

        json_object_array_add (texts, json_object_new_string (text));
    }
    return texts;
}

static void
report (const CommandLine *line, const GPtrArray *assignments, json_object *values,
        const Settings *before, const Settings *after)
{
    g_autoptr (json_object) applied = NULL;

    if (command_global (line)->json) {
        applied = record_line (line, "applied");
        json_object_object_add (applied, "parameters", json_object_get (values));
        json_object_object_add (applied, "answer", json_object_new_string ("ok"));
        if (after->cut && json_object_object_length (after->cut) > 0)
            json_object_object_add (applied, "changed_by_guard", cut_texts (after));
        record_print (applied);
        return;
    }
    for (guint i = 0; i < assignments->len; i++) {
        const Assignment *assignment = g_ptr_array_index (assignments, i);

        say_change (line, assignment->key, before, after);
    }
}

static ExitCode
set_on (const CommandLine *line, Reach *reach, const GPtrArray *assignments)
{
    g_auto (Settings) before = { 0 };
    g_auto (Settings) after = { 0 };
    g_autoptr (json_object) values = NULL;
    GError *error = NULL;

    if (settings_read (reach, &before, &error))
        values = values_of (assignments, &before, &error);
    if (!values || !apply (reach, values, &after, &error))
        return reach_fail (reach, error);
    report (line, assignments, values, &before, &after);
    warn_if_late (line, reach, assignments);
    return EXIT_DONE;
}

static ExitCode
run_set (const CommandLine *line)
{
    GError *error = NULL;
    g_autoptr (GPtrArray) assignments = parse_assignments (command_arguments (line), &error);
    g_autoptr (Reach) reach = assignments ? reach_open (line, &error) : NULL;

    return reach ? set_on (line, reach, assignments) : command_fail (line, error);
}

const Command command_set = {
    .name = "set",
    .arguments = "KEY=VALUE...",
    .summary = "change QEMU's parameters, or the limits of a migration of ours",
    .description =
        "Changes QEMU's migration parameters by QEMU's names, at once, also while a migration\n"
        "runs; and the limits of a migration that a qmpmig steers by the names of the options of\n"
        "`migrate`: max-downtime, max-stall, deadline, max-throttle, bandwidth. Values of time,\n"
        "size and rate need their unit. Several go out as one command: all are taken, or none.",
    .example = "  qmpmig --socket /run/web1.qmp set downtime-limit=300ms max-bandwidth=1Gbit/s\n"
               "  qmpmig --socket /run/web1.qmp set max-throttle=80%",
    .min_arguments = 1,
    .max_arguments = -1,
    .run = run_set,
};
