/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Shared by the monitor's files only. The near end is a socket of the caller's; the far end lives
 * in the loop, where its bytes become commands. */
#pragma once

#include <json-c/json.h>

#include "agent/libvirt/module.h"

typedef struct {
    json_object *message; /* without its id */
    json_object *id;
    gint64 came_us;
} Command;

typedef struct {
    gatomicrefcount refs; /* of the loop, of the worker, of what is posted to the loop */
    LibvirtConnection *connection;
    char *uuid;
    int event_id; /* with the present connection; -1: none */

    /* The loop's. */
    int fd; /* -1: closed */
    GSource *in, *out;
    GString *input, *output;
    GQueue commands; /* of Command */
    gboolean is_busy;
} Monitor;

Monitor *monitor_ref (Monitor *self);
void monitor_unref (Monitor *self);

/* In the loop. The far end comes to life; it ends with its socket. */
gboolean monitor_begin (gpointer monitor);
void monitor_end (Monitor *self);
/* Takes MESSAGE. */
void monitor_say (Monitor *self, json_object *message);
void monitor_flush (Monitor *self);
/* Those that wait, as far as none is on a worker. */
void monitor_next_command (Monitor *self);
void monitor_command_free (gpointer command);
