/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "agent/host/vm-line.h"

#include "agent/control.h"
#include "agent/migration/status.h"
#include "qmp/client.h"
#include "qmp/value.h"

/* A QEMU that is slower than this has better things to do. */
#define ASK_TIMEOUT_US (300 * 1000)

static json_object *
program_object (pid_t pid, const char *program)
{
    json_object *object = qmp_object ("pid", json_object_new_int (pid), NULL);

    qmp_add_string (object, "program", program);
    return object;
}

static json_object *
monitor_object (const ProcessMonitor *monitor)
{
    static const char *const words[] = {
        [HOLD_UNKNOWN] = NULL,
        [HOLD_FREE] = "free",
        [HOLD_HELD] = "held",
    };
    json_object *object = qmp_object ("address", json_object_new_string (monitor->text), "server",
                                      json_object_new_boolean (monitor->is_server), NULL);

    qmp_add_string (object, "hold", words[monitor->holder.hold]);
    if (monitor->holder.client_pid)
        json_object_object_add (
            object, "held_by", program_object (monitor->holder.client_pid, monitor->holder.client));
    return object;
}

static json_object *
process_object (const Process *process)
{
    json_object *monitors = json_object_new_array ();
    json_object *line = qmp_object ("pid", json_object_new_int (process->pid), "program",
                                    json_object_new_string (process->line->program), NULL);

    qmp_add_string (line, "name", process->line->name);
    qmp_add_string (line, "uuid", process->line->uuid);
    json_object_object_add (line, "started_incoming",
                            json_object_new_boolean (process->line->is_incoming));
    json_object_object_add (line, "stopped", json_object_new_boolean (process->is_stopped));
    for (guint i = 0; i < process->monitors->len; i++)
        json_object_array_add (monitors, monitor_object (g_ptr_array_index (process->monitors, i)));
    json_object_object_add (line, "monitors", monitors);
    return line;
}

/* --- what QEMU says -------------------------------------------------------------------------- */

/* A string of a command's reply, into LINE. */
static void
ask_string (QmpClient *client, const char *command, const char *path, json_object *line,
            const char *key)
{
    g_autoptr (json_object) reply = qmp_client_call (client, command, NULL, NULL);

    qmp_add_string (line, key, qmp_peek_string (reply, path, NULL));
}

static void
ask_migration (QmpClient *client, json_object *line)
{
    g_autoptr (json_object) reply = qmp_client_call (client, "query-migrate", NULL, NULL);
    const char *status = qmp_peek_string (reply, "status", NULL);

    if (status_is_running (status_parse (status)))
        json_object_object_add (line, "migration",
                                qmp_object ("status", json_object_new_string (status), NULL));
}

static void
ask_qemu (const ProcessMonitor *monitor, json_object *line)
{
    QmpClientOptions options = {
        .greeting_timeout_us = ASK_TIMEOUT_US,
        .reply_timeout_us = ASK_TIMEOUT_US,
    };
    g_autoptr (GMainContext) context = g_main_context_new ();
    g_autoptr (QmpClient) client = qmp_client_open (context, monitor->address, &options, NULL);

    if (!client)
        return;
    ask_string (client, "query-status", "status", line, "run_state");
    if (!qmp_peek (line, "name"))
        ask_string (client, "query-name", "name", line, "name");
    if (!qmp_peek (line, "uuid"))
        ask_string (client, "query-uuid", "UUID", line, "uuid");
    ask_migration (client, line);
    /* What QEMU says where none was given. */
    if (!g_strcmp0 (qmp_peek_string (line, "uuid", NULL), "00000000-0000-0000-0000-000000000000"))
        json_object_object_del (line, "uuid");
}

/* --- what a qmpmig says ---------------------------------------------------------------------- */

static void
copy_field (json_object *from, const char *key, json_object *to)
{
    json_object *value = qmp_peek (from, key);

    if (value)
        json_object_object_add (to, key, json_object_get (value));
}

/* Which end of that migration the monitor is: "source", "destination"; NULL: it does not say. */
static const char *
role_of (const ProcessMonitor *monitor, json_object *header)
{
    static const char *const roles[] = { "source", "destination" };

    for (guint i = 0; i < G_N_ELEMENTS (roles); i++) {
        g_autofree char *path = g_strdup_printf ("ends.%s.address", roles[i]);
        const char *text = qmp_peek_string (header, path, NULL);
        g_autoptr (QmpAddress) address = text ? qmp_address_parse (text, NULL) : NULL;

        if (address && qmp_address_equal (address, monitor->address))
            return roles[i];
    }
    return NULL;
}

/* FALSE: no qmpmig steers this one. */
static gboolean
ask_qmpmig (const ProcessMonitor *monitor, json_object *line)
{
    static const char *const fields[] = { "status", "phase", "progress", "remaining_us",
                                          "verdict" };
    g_autoptr (ControlClient) client = control_client_open (monitor->address, NULL);
    g_autoptr (json_object) answer =
        client ? control_client_call (client, "status", NULL, ASK_TIMEOUT_US, NULL) : NULL;
    json_object *sample = qmp_peek (answer, "sample");
    const char *role = role_of (monitor, qmp_peek (answer, "header"));
    json_object *migration;

    if (!client)
        return FALSE;
    migration =
        qmp_object ("steered_by", program_object (control_client_pid (client), "qmpmig"), NULL);
    for (guint i = 0; i < G_N_ELEMENTS (fields); i++)
        copy_field (sample, fields[i], migration);
    qmp_add_string (migration, "role", role);
    /* A sample speaks of the source. */
    if (!g_strcmp0 (role, "source"))
        copy_field (sample, "run_state", line);
    json_object_object_add (line, "migration", migration);
    return TRUE;
}

json_object *
vm_line_new (const Process *process)
{
    json_object *line = process_object (process);
    const ProcessMonitor *free_one = NULL;

    for (guint i = 0; i < process->monitors->len; i++) {
        const ProcessMonitor *monitor = g_ptr_array_index (process->monitors, i);

        if (!monitor->address)
            continue;
        if (ask_qmpmig (monitor, line))
            return line;
        if (monitor->holder.hold == HOLD_FREE && !free_one)
            free_one = monitor;
    }
    if (free_one && !process->is_stopped)
        ask_qemu (free_one, line);
    return line;
}
