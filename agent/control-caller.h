/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Somebody who asks over the control socket, and what he gets. Internal to control-*. */
#pragma once

#include "agent/control-socket.h"

typedef struct ControlCaller ControlCaller;

/* It has gone, and is to be freed, which may be done right there. */
typedef void (*ControlGone) (ControlCaller *caller, gpointer data);

/* Takes FD. MONITOR: through whose socket it came. */
ControlCaller *control_caller_new (GMainContext *context, Board *board, guint monitor, int fd,
                                   ControlGone gone, gpointer data);
void control_caller_free (ControlCaller *self);

/* A line of the record, also as TEXT with its newline: he gets it if he asked for such. */
void control_caller_see (ControlCaller *self, json_object *line, const char *text);
/* Waits until he has taken what is his, or DEADLINE_US. */
void control_caller_drain (ControlCaller *self, gint64 deadline_us);

json_object *control_error_answer (int exit_code, const char *text);
