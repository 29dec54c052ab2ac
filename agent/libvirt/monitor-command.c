/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* One command at a time is on a worker, the others wait, as they would in QEMU. */
#include <string.h>

#include "agent/libvirt/call.h"
#include "agent/libvirt/connection.h"
#include "agent/libvirt/loop.h"
#include "agent/libvirt/monitor-internal.h"
#include "agent/libvirt/passthrough.h"

static json_object *
error_answer (const char *desc)
{
    json_object *answer = json_object_new_object ();
    json_object *error = json_object_new_object ();

    json_object_object_add (error, "class", json_object_new_string ("GenericError"));
    json_object_object_add (error, "desc", json_object_new_string (desc));
    json_object_object_add (answer, "error", error);
    return answer;
}

/* Takes ANSWER. */
static void
answer_command (Monitor *self, const Command *command, json_object *answer)
{
    if (command->id)
        json_object_object_add (answer, "id", json_object_get (command->id));
    else
        json_object_object_del (answer, "id");
    monitor_say (self, answer);
}

typedef struct {
    Monitor *monitor;
    Command *command;
    json_object *answer; /* NULL: the domain is gone */
} Turn;

static gboolean
on_answered (gpointer data)
{
    Turn *turn = data;
    Monitor *self = turn->monitor;

    self->is_busy = FALSE;
    if (!turn->answer)
        monitor_end (self);
    else if (self->fd >= 0)
        answer_command (self, turn->command, turn->answer);
    else
        json_object_put (turn->answer);
    monitor_next_command (self);
    monitor_command_free (turn->command);
    monitor_unref (self);
    g_free (turn);
    return G_SOURCE_REMOVE;
}

static const char *
name_of (json_object *message)
{
    json_object *name = NULL;

    json_object_object_get_ex (message, "execute", &name);
    return json_object_is_type (name, json_type_string) ? json_object_get_string (name) : NULL;
}

/* While libvirtd is away a question waits for it, and who asked has a timeout of his own. What
 * changes something is not done any more when nobody expects it. */
static gboolean
is_to_be_asked_again (Turn *turn, const GError *why)
{
    gboolean is_away = why->code == LIBVIRT_ERROR_UNREACHABLE || why->code == LIBVIRT_ERROR_TIMEOUT;

    return is_away && passthrough_is_question (name_of (turn->command->message)) &&
           g_atomic_int_get (&turn->monitor->fd) >= 0;
}

static gboolean
is_stale (const Turn *turn)
{
    return !passthrough_is_question (name_of (turn->command->message)) &&
           g_get_monotonic_time () - turn->command->came_us >
               connection_timeout_us (turn->monitor->connection);
}

static json_object *
run_command (Turn *turn)
{
    for (;;) {
        g_autoptr (GError) why = NULL;
        json_object *answer;

        if (is_stale (turn))
            return error_answer ("not sent: libvirt had not answered what was before it in time");
        answer = passthrough_run (turn->monitor->connection, turn->monitor->uuid,
                                  turn->command->message, &why);
        if (answer)
            return answer;
        if (why->code == LIBVIRT_ERROR_NO_DOMAIN)
            return NULL;
        if (!is_to_be_asked_again (turn, why))
            return error_answer (why->message);
    }
}

static void
work (gpointer data, gpointer unused)
{
    Turn *turn = data;

    turn->answer = run_command (turn);
    loop_post (on_answered, turn);
}

/* NULL: libvirt shall be asked. */
static json_object *
answer_here (json_object *message)
{
    const char *name = name_of (message);
    const char *why;
    json_object *answer;
    g_autofree char *text = NULL;

    if (!name)
        return error_answer ("through libvirt a monitor takes {\"execute\": ...} only, nothing "
                             "out-of-band");
    if (strcmp (name, "qmp_capabilities") == 0) {
        answer = json_object_new_object ();
        json_object_object_add (answer, "return", json_object_new_object ());
        return answer;
    }
    why = passthrough_refusal (name);
    text = why ? g_strdup_printf ("refused, for libvirt owns this guest: %s", why) : NULL;
    return text ? error_answer (text) : NULL;
}

void
monitor_next_command (Monitor *self)
{
    while (self->fd >= 0 && !self->is_busy && !g_queue_is_empty (&self->commands)) {
        Command *command = g_queue_pop_head (&self->commands);
        json_object *answer = answer_here (command->message);
        Turn *turn;

        if (answer) {
            answer_command (self, command, answer);
            monitor_command_free (command);
            continue;
        }
        turn = g_new0 (Turn, 1);
        *turn = (Turn){ .monitor = monitor_ref (self), .command = command };
        self->is_busy = TRUE;
        call_start (work, turn);
    }
}
