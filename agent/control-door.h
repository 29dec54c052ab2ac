/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* A listening control socket in its folder. Internal to control-*. */
#pragma once

#include "agent/control-socket.h"

typedef struct ControlDoor ControlDoor;

/* Somebody has connected. Takes FD. */
typedef void (*ControlKnock) (int fd, guint monitor, gpointer data);

/* Listens at PATH. A stale socket is replaced; one that answers is an error. */
ControlDoor *control_door_open (GMainContext *context, const char *path, guint monitor,
                                ControlKnock knock, gpointer data, GError **error);
void control_door_close (ControlDoor *self); /* takes the socket away */
const char *control_door_path (const ControlDoor *self);
