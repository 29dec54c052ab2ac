/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "agent/commands/follow.h"

#include "agent/commands/line.h"
#include "agent/migration/error.h"
#include "agent/state.h"

/* Each look holds QEMU's lock: four a second are enough for people. */
#define PERIOD_US (250 * 1000)
#define ATTEMPTS  5
/* How long somebody else may hold the monitor before we give up. */
#define HELD_US (60 * G_USEC_PER_SEC)

struct Follow {
    Reach *reach;
    ControlClient *stream; /* of the qmpmig that steers; NULL: QEMU is asked */
    Tracker tracker;
    char *id;        /* of the record that we make of QEMU's answers */
    gint64 first_us; /* of the looks at QEMU */
    gboolean was_postcopy;
    gboolean ended;
};

/* To whoever answers now. Somebody else may hold the monitor for a while. */
static gboolean
come_back (Follow *self, GError **error)
{
    gint64 deadline_us = g_get_monotonic_time () + HELD_US;
    GError *local = NULL;

    while (!reach_return (self->reach, &local)) {
        if (!g_error_matches (local, QMP_ERROR, QMP_ERROR_HELD) ||
            g_get_monotonic_time () >= deadline_us) {
            g_propagate_error (error, local);
            return FALSE;
        }
        g_clear_error (&local);
        g_usleep (PERIOD_US);
    }
    return TRUE;
}

/* self->stream stays NULL, without an error, when nobody steers any more. */
static gboolean
open_stream (Follow *self, GError **error)
{
    GError *local = NULL;
    g_autoptr (ControlClient) stream = control_client_open (self->reach->global->socket, &local);
    g_autoptr (json_object) answer = NULL;

    if (stream)
        answer = control_client_call (stream, "watch", NULL, self->reach->global->reply_timeout_us,
                                      &local);
    if (local) {
        g_propagate_error (error, local);
        return FALSE;
    }
    self->stream = g_steal_pointer (&stream);
    return TRUE;
}

/* One attempt. FALSE without an error when whoever was there has gone meanwhile. */
static gboolean
try_attach (Follow *self, GError **error)
{
    GError *local = NULL;

    if (!self->reach->control && !self->reach->qemu && !come_back (self, error))
        return FALSE;
    if (self->reach->qemu || (open_stream (self, &local) && self->stream))
        return TRUE;
    reach_leave (self->reach);
    if (g_error_matches (local, CONTROL_ERROR, EXIT_UNREACHABLE))
        g_clear_error (&local);
    if (local)
        g_propagate_error (error, local);
    return FALSE;
}

/* A qmpmig that steers is watched, else QEMU is there to be asked. It may change meanwhile. */
static gboolean
attach (Follow *self, GError **error)
{
    GError *local = NULL;

    for (guint i = 0; i < ATTEMPTS; i++) {
        if (try_attach (self, &local))
            return TRUE;
        if (local) {
            g_propagate_error (error, local);
            return FALSE;
        }
    }
    return migrate_fail (error, EXIT_UNREACHABLE,
                         "one qmpmig after the other steers %s, and none of them answers",
                         reach_vm (self->reach));
}

Follow *
follow_new (Reach *reach, GError **error)
{
    g_autoptr (Follow) self = g_new0 (Follow, 1);

    self->reach = reach;
    tracker_init (&self->tracker);
    return attach (self, error) ? g_steal_pointer (&self) : NULL;
}

void
follow_free (Follow *self)
{
    if (!self)
        return;
    control_client_close (self->stream);
    g_free (self->id);
    g_free (self);
}

/* --- from QEMU ------------------------------------------------------------------------------- */

static json_object *
sample_line (Follow *self, const Look *look)
{
    json_object *line =
        look_sample (look, &self->tracker, (guint64)(g_get_monotonic_time () - self->first_us));

    json_object_object_add (line, "type", json_object_new_string ("sample"));
    json_object_object_add (line, "t_us",
                            json_object_new_int64 (command_line_age_us (self->reach->line)));
    return line;
}

static gboolean
is_at_end (const Look *look)
{
    if (look->status == STATUS_NONE && look->is_destination)
        return FALSE; /* it waits for a source */
    return !status_is_running (look->status) || look->status == STATUS_POSTCOPY_PAUSED;
}

static json_object *
line_from (Follow *self, const Look *look)
{
    if (!self->id) {
        self->id = state_migration_id (reach_vm (self->reach), NULL, 0);
        self->first_us = g_get_monotonic_time ();
        return look_header (look, self->reach);
    }
    if (!is_at_end (look))
        return sample_line (self, look);
    self->ended = TRUE;
    return look_result (look, self->reach, self->was_postcopy);
}

static json_object *
next_from_qemu (Follow *self, GError **error)
{
    g_auto (Look) look = { 0 };
    json_object *line;

    if (self->id)
        g_usleep (PERIOD_US);
    if (!attach (self, error))
        return NULL;
    if (self->stream)
        return follow_next (self, error);
    if (!look_take (self->reach, &look, error))
        return NULL;
    self->was_postcopy |= status_is_postcopy (look.status);
    line = line_from (self, &look);
    json_object_object_add (line, "id", json_object_new_string (self->id));
    reach_leave (self->reach);
    return line;
}

/* --- from the qmpmig that steers ------------------------------------------------------------- */

/* When that one leaves before the end, the migration goes on without it, and so do we. */
static json_object *
next_from_stream (Follow *self, GError **error)
{
    GError *local = NULL;
    g_autoptr (json_object) line = control_client_next (self->stream, -1, &local);
    const char *type = qmp_peek_string (line, "type", "");

    if (local) {
        g_propagate_error (error, local);
        return NULL;
    }
    if (line && !g_str_equal (type, "result"))
        return g_steal_pointer (&line);
    if (!line || g_str_equal (qmp_peek_string (line, "outcome", ""), "left")) {
        g_clear_pointer (&self->stream, control_client_close);
        reach_leave (self->reach);
        return attach (self, error) ? follow_next (self, error) : NULL;
    }
    self->ended = TRUE;
    return g_steal_pointer (&line);
}

json_object *
follow_next (Follow *self, GError **error)
{
    if (self->ended)
        return NULL;
    return self->stream ? next_from_stream (self, error) : next_from_qemu (self, error);
}

json_object *
follow_to_end (Follow *self, GError **error)
{
    json_object *line;

    while ((line = follow_next (self, error)) != NULL) {
        if (g_str_equal (qmp_peek_string (line, "type", ""), "result"))
            return line;
        json_object_put (line);
    }
    return NULL;
}
