/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* One QMP connection, confined to the thread that iterates its context.
 *
 * Only our own sources sit on that context, and they only move bytes and append to queues: events
 * are queued, never called back. So a call may iterate the context and the code that makes it reads
 * from top to bottom. Several clients may share one context; a wait then sees all of them.
 *
 * Every wait ends: with what was waited for, at its deadline, when the peer closes, or when the
 * cancellable fires. */
#pragma once

#include "qmp/address.h"
#include "qmp/error.h"
#include "qmp/list.h"
#include "qmp/message.h"

typedef struct QmpClient QmpClient;

typedef struct {
    char *name;           /* "STOP" */
    gint64 received_us;   /* g_get_monotonic_time() when its last byte was read */
    gint64 timestamp_us;  /* QEMU's wall clock, -1 if it gave none */
    json_object *message; /* as it came */
} QmpEvent;

void qmp_event_free (QmpEvent *event);
G_DEFINE_AUTOPTR_CLEANUP_FUNC (QmpEvent, qmp_event_free)

/* The 4096 newest events are kept; an overflow drops the oldest and is counted. */
#define QMP_CLIENT_MAX_EVENTS 4096

/* Sees each message in the thread of the client, for --verbose and for tests that kill at a named
 * point. MESSAGE is the text without its newline; NAME the command sent, the event, the command
 * replied to, or "" for the greeting. */
typedef enum {
    QMP_TAP_SEND,
    QMP_TAP_SENT,
    QMP_TAP_GREETING,
    QMP_TAP_REPLY,
    QMP_TAP_EVENT,
} QmpTapKind;
typedef void (*QmpTap) (const char *label, QmpTapKind kind, const char *name, const char *message,
                        gpointer data);

typedef struct {
    const char *label;          /* prefix of errors and taps: "source", "destination"; copied */
    gint64 greeting_timeout_us; /* 0: 2 s. No greeting means: held by another client, or it hangs */
    gint64 reply_timeout_us;    /* 0: 10 s. For each reply */
    GCancellable *cancel;       /* borrowed for the client's life; may be NULL */
    QmpTap tap;                 /* may be NULL */
    gpointer tap_data;          /* borrowed for the client's life */
} QmpClientOptions;

/* Connects, reads the greeting and negotiates with out-of-band enabled where offered. Events that
 * come before the greeting or between are kept. */
QmpClient *qmp_client_open (GMainContext *context, const QmpAddress *address,
                            const QmpClientOptions *options, GError **error);
/* The same over a stream that is connected already; takes a reference. It is a socket's,
 * or its input and output have a descriptor each. */
QmpClient *qmp_client_open_stream (GMainContext *context, GIOStream *stream,
                                   const QmpClientOptions *options, GError **error);
/* The same before the greeting. PEER: as errors call it. */
QmpClient *qmp_client_take_stream (GMainContext *context, GIOStream *stream, const char *peer,
                                   const QmpClientOptions *options);
/* The steps of an opening, for several peers at a time: connected; the greeting read, within its
 * time from then on, and the negotiation sent; that answered. Nothing but the next step and close
 * may come between. */
QmpClient *qmp_client_connect (GMainContext *context, const QmpAddress *address,
                               const QmpClientOptions *options, GError **error);
gboolean qmp_client_greet (QmpClient *self, GError **error);
gboolean qmp_client_negotiate (QmpClient *self, GError **error);
void qmp_client_close (QmpClient *self); /* NULL is fine */
G_DEFINE_AUTOPTR_CLEANUP_FUNC (QmpClient, qmp_client_close)

typedef struct {
    guint major, minor, micro;
    const char *package; /* "Debian 1:10.0.2+ds-2", may be "" */
} QmpVersion;

const QmpVersion *qmp_client_version (QmpClient *self);
gboolean qmp_client_has_oob (QmpClient *self);
/* Process at the other end of a unix socket (who listens), 0 where the kernel does not tell. */
pid_t qmp_client_peer_pid (QmpClient *self);
GMainContext *qmp_client_context (QmpClient *self);

typedef enum {
    QMP_CALL_DEFAULT = 0,
    QMP_CALL_OOB = 1 << 0, /* exec-oob: overtakes what is queued; QMP_ERROR_PROTOCOL without oob */
} QmpCallFlags;

/* Sends COMMAND and waits for its reply. Takes ARGUMENTS (NULL: none). Returns the reply's "return"
 * value, owned by the caller, never NULL on success. QEMU's error is QMP_ERROR_REFUSED; a missing
 * reply QMP_ERROR_TIMEOUT, after which a late reply is dropped by its id. What could not be written
 * at all by then (QEMU does not read) is never sent; what was may still be executed. A TIMEOUT_US
 * of 0 is the client's reply timeout, here and in finish. */
json_object *qmp_client_call (QmpClient *self, const char *command, json_object *arguments,
                              GError **error);
json_object *qmp_client_call_full (QmpClient *self, const char *command, json_object *arguments,
                                   QmpCallFlags flags, gint64 timeout_us, GError **error);
/* The same with a descriptor passed along (getfd, add-fd); FD stays the caller's. Unix sockets. */
json_object *qmp_client_call_with_fd (QmpClient *self, const char *command, json_object *arguments,
                                      int fd, GError **error);

/* The same for an answer that is a list too large to be held as objects; owned by the caller. */
QmpList *qmp_client_call_list (QmpClient *self, const char *command, json_object *arguments,
                               GError **error);

/* The two halves of a call, for work to be done meanwhile. send returns an id, 0 on failure;
 * finish waits for the reply with that id. At most 6 may be outstanding (QEMU reads no further,
 * out-of-band included, with 8 in flight): more is QMP_ERROR_PROTOCOL. Calls that timed out or were
 * forgotten count until QEMU answers: then it is QMP_ERROR_TIMEOUT, and a call waits for a place
 * within its own timeout first. Out-of-band commands have six places of their own. */
guint64 qmp_client_send (QmpClient *self, const char *command, json_object *arguments,
                         QmpCallFlags flags, GError **error);
json_object *qmp_client_finish (QmpClient *self, guint64 id, gint64 timeout_us, GError **error);
/* The reply to ID is not wanted any more (dropped when it comes). */
void qmp_client_forget (QmpClient *self, guint64 id);

/* The oldest queued event of that NAME (NULL: of any), or NULL. Does not wait. */
QmpEvent *qmp_client_take_event (QmpClient *self, const char *name);
gboolean qmp_client_has_event (QmpClient *self);
/* Waits for it; NULL with QMP_ERROR_TIMEOUT at the deadline. */
QmpEvent *qmp_client_wait_event (QmpClient *self, const char *name, gint64 timeout_us,
                                 GError **error);
guint qmp_client_events_dropped (QmpClient *self);

/* Why the connection is of no use any more, NULL while it is. Sticky; borrowed. Queued events stay
 * readable after the peer has gone. */
const GError *qmp_client_broken (QmpClient *self);

/* Iterates CONTEXT once, at most until DEADLINE_US (monotonic). FALSE once the deadline passed. The
 * one place that blocks. Loops on it look like:
 *   while (!done (...) && qmp_context_iterate (context, deadline_us)) */
gboolean qmp_context_iterate (GMainContext *context, gint64 deadline_us);
