/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* A byte stream with messages on it: what comes is cut into JSON objects and handed over, what goes
 * is queued and written as fast as the peer reads. Never blocks. Internal to qmp/. */
#pragma once

#include "qmp/message.h"

#include <gio/gio.h>

typedef struct QmpWire QmpWire;

/* Called while the context is iterated or something is sent; they may stop the wire, not free it.
 */
typedef struct {
    void (*received) (json_object *message, gpointer data); /* borrowed */
    /* Its last byte was written; TEXT as it was given. */
    void (*sent) (guint64 id, const char *text, gpointer data);
    /* No more will come. REASON is a QMP_ERROR_CLOSED (its text may be empty) or
     * QMP_ERROR_PROTOCOL ("it sent ..."). */
    void (*ended) (const GError *reason, gpointer data);
} QmpWireHandler;

/* Takes a reference to STREAM, a socket's or one of two descriptors, and closes it when freed. */
QmpWire *qmp_wire_new (GMainContext *context, GIOStream *stream, const QmpWireHandler *handler,
                       gpointer data);
void qmp_wire_free (QmpWire *self);
G_DEFINE_AUTOPTR_CLEANUP_FUNC (QmpWire, qmp_wire_free)

/* Within `received`: what qmp_reader_take_list() says. */
QmpList *qmp_wire_take_list (QmpWire *self);

/* NULL unless the stream is a socket. */
GSocket *qmp_wire_socket (QmpWire *self);

/* Takes TEXT and CONTROL (descriptors to pass, sent with TEXT's first byte; may be NULL). Urgent
 * messages overtake those of which nothing has been written yet. */
void qmp_wire_send (QmpWire *self, guint64 id, char *text, gboolean urgent,
                    GSocketControlMessage *control);

/* TRUE if nothing of the message had been written: it never will be. */
gboolean qmp_wire_withdraw (QmpWire *self, guint64 id);

/* Neither reads nor writes from now on. */
void qmp_wire_stop (QmpWire *self);
