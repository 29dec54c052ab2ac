/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "agent/commands/reach.h"

#include <string.h>

#include "agent/host/monitor.h"
#include "agent/migration/error.h"

#define LABEL "VM"

/* What the migration's thread answers may wait for an answer of QEMU's first. */
#define THREAD_FACTOR 3

/* Between our look for a control socket and the attempt at the monitor a qmpmig may have begun to
 * steer: whoever holds the monitor then is asked instead. */
gboolean
reach_return (Reach *self, GError **error)
{
    g_autoptr (GError) held = NULL;
    const QmpAddress *monitor = self->global->socket;

    reach_leave (self);
    self->control = control_client_open (monitor, &held);
    if (!self->control && !held)
        self->qemu = monitor_open (self->context, monitor, LABEL, self->global, NULL, &held);
    if (g_error_matches (held, QMP_ERROR, QMP_ERROR_HELD))
        self->control = control_client_open (monitor, NULL);
    if (self->control || self->qemu)
        return TRUE;
    g_propagate_error (error, g_steal_pointer (&held));
    return FALSE;
}

void
reach_leave (Reach *self)
{
    g_clear_pointer (&self->control, control_client_close);
    g_clear_pointer (&self->qemu, qmp_client_close);
}

Reach *
reach_open (const CommandLine *line, GError **error)
{
    g_autoptr (Reach) self = g_new0 (Reach, 1);

    self->line = line;
    self->global = command_global (line);
    self->context = g_main_context_new ();
    if (!self->global->socket) {
        g_set_error_literal (error, G_OPTION_ERROR, G_OPTION_ERROR_BAD_VALUE,
                             "which VM? give its QMP socket with --socket or in QMPMIG_SOCKET; "
                             "`qmpmig list` shows those of this host");
        return NULL;
    }
    return reach_return (self, error) ? g_steal_pointer (&self) : NULL;
}

void
reach_close (Reach *self)
{
    if (!self)
        return;
    reach_leave (self);
    g_main_context_unref (self->context);
    g_free (self->vm);
    g_free (self);
}

static char *
name_from_status (Reach *self)
{
    g_autoptr (json_object) status = reach_ask (self, "status", NULL, NULL);

    return g_strdup (qmp_peek_string (status, "header.vm.name", NULL));
}

static char *
name_from_qemu (Reach *self)
{
    g_autoptr (json_object) reply = qmp_client_call (self->qemu, "query-name", NULL, NULL);

    return g_strdup (qmp_peek_string (reply, "name", NULL));
}

const char *
reach_vm (Reach *self)
{
    if (!self->vm && self->control)
        self->vm = name_from_status (self);
    else if (!self->vm && self->qemu)
        self->vm = name_from_qemu (self);
    return self->vm ? self->vm : "the VM";
}

json_object *
reach_ask (Reach *self, const char *request, json_object *arguments, GError **error)
{
    gboolean is_at_once = g_str_equal (request, "status") || g_str_equal (request, "events");

    return control_client_call (self->control, request, arguments,
                                (is_at_once ? 1 : THREAD_FACTOR) * self->global->reply_timeout_us,
                                error);
}

static json_object *
ask_steering (Reach *self, const char *command, json_object *arguments, ReachFlags flags,
              GError **error)
{
    json_object *request = qmp_object ("execute", json_object_new_string (command), "force",
                                       json_object_new_boolean (flags & REACH_FORCE), "oob",
                                       json_object_new_boolean (flags & REACH_OOB), NULL);
    g_autoptr (json_object) answer = NULL;
    json_object *value;

    if (arguments)
        json_object_object_add (request, "arguments", arguments);
    answer = reach_ask (self, "qmp", request, error);
    if (!answer)
        return NULL;
    value = qmp_peek (answer, "return");
    if (!value)
        migrate_fail (error, EXIT_INTERNAL, "%s: qmpmig (pid %d) gave no answer", command,
                      (int)control_client_pid (self->control));
    return json_object_get (value);
}

/* "VM: migrate_cancel: ..." with the VM's own name. It is asked for only when QEMU still answers.
 */
static void
name_error (Reach *self, GError *error)
{
    gboolean answers = g_error_matches (error, QMP_ERROR, QMP_ERROR_REFUSED);
    g_autofree char *old = NULL;

    if (!self->vm && answers)
        reach_vm (self);
    if (!self->vm || !g_str_has_prefix (error->message, LABEL ": "))
        return;
    old = error->message;
    error->message = g_strconcat (self->vm, old + strlen (LABEL), NULL);
}

static json_object *
ask_qemu (Reach *self, const char *command, json_object *arguments, ReachFlags flags,
          GError **error)
{
    QmpCallFlags call = flags & REACH_OOB ? QMP_CALL_OOB : QMP_CALL_DEFAULT;
    GError *local = NULL;
    json_object *value = qmp_client_call_full (self->qemu, command, arguments, call, 0, &local);

    if (value)
        return value;
    name_error (self, local);
    g_propagate_error (error, local);
    return NULL;
}

json_object *
reach_qmp_full (Reach *self, const char *command, json_object *arguments, ReachFlags flags,
                GError **error)
{
    return (self->control ? ask_steering : ask_qemu) (self, command, arguments, flags, error);
}

json_object *
reach_qmp (Reach *self, const char *command, json_object *arguments, GError **error)
{
    return reach_qmp_full (self, command, arguments, 0, error);
}

ExitCode
reach_fail (Reach *self, GError *error)
{
    g_autoptr (GError) refused = NULL;

    if (!g_error_matches (error, QMP_ERROR, QMP_ERROR_REFUSED))
        return command_fail (self->line, error);
    migrate_fail (&refused, EXIT_REFUSED, "%s", error->message);
    g_error_free (error);
    return command_fail (self->line, g_steal_pointer (&refused));
}
