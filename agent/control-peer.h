/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* One connection to the control socket, at the server's end: requests in, lines out, both bounded.
 * Lives in the thread of its context. Internal to control-*. */
#pragma once

#include "agent/control-socket.h"

typedef struct ControlPeer ControlPeer;

typedef struct {
    /* A request came. It is borrowed. */
    void (*asked) (ControlPeer *peer, json_object *request, gpointer data);
    /* What it sent is no request; TEXT says why. Nothing more will be read. */
    void (*broken) (ControlPeer *peer, const char *text, gpointer data);
    /* It went, or it was too slow: to be freed, which may be done right there. */
    void (*gone) (ControlPeer *peer, gpointer data);
} ControlPeerEvents;

/* Takes FD. */
ControlPeer *control_peer_new (GMainContext *context, int fd, const ControlPeerEvents *events,
                               gpointer data);
void control_peer_free (ControlPeer *self);

/* No request is read until control_peer_release(): its answer comes first. */
void control_peer_hold (ControlPeer *self);
void control_peer_release (ControlPeer *self);

/* An answer: as long as it is. */
void control_peer_answer (ControlPeer *self, json_object *answer);

/* Lines are to come: end of file from the other side is not the end. */
void control_peer_stay (ControlPeer *self);
/* A line for a watcher, with its newline. One that has not read 1 MiB by now is given up. */
void control_peer_offer (ControlPeer *self, const char *line);

/* Nothing follows: `gone` once all is written. */
void control_peer_end (ControlPeer *self);
/* Waits until all is written, or DEADLINE_US. */
void control_peer_drain (ControlPeer *self, gint64 deadline_us);
