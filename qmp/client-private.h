/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* What the parts of the client share: client.c opens and closes it, client-input.c takes what QEMU
 * says, client-wait.c waits, client-call.c asks. */
#pragma once

#include "qmp/client.h"
#include "qmp/wire.h"

typedef struct {
    guint64 id;
    char *command;
    gboolean oob;
    gboolean forgotten; /* nobody waits for it, but it still has its place in QEMU's queue */
    json_object *reply;
    QmpList *list; /* what the reply returns, where it is too large to be held as objects */
} Call;

struct QmpClient {
    GMainContext *context;
    char *label;
    char *peer; /* as errors call it: "unix:/run/x.sock" */
    gint64 greeting_timeout_us;
    gint64 reply_timeout_us;
    GCancellable *cancel;
    gulong cancel_handler;
    QmpWire *wire;

    json_object *greeting;
    QmpVersion version;
    guint64 negotiation; /* id of qmp_capabilities */
    gboolean has_oob;

    guint64 last_id;
    GQueue calls;  /* of Call, in the order in which they were sent */
    GQueue events; /* of QmpEvent */
    guint events_dropped;

    const char *awaited; /* what the wait under way is for */
    GError *broken;
    QmpTap tap;
    gpointer tap_data;
};

/* One wait: for what, in the words of its errors, and until when. */
typedef struct {
    const char *awaited; /* "... (while waiting for AWAITED)" */
    const char *lacking; /* "LACKING within 10 s" */
    gint64 timeout_us;
    gint64 deadline_us;
    gboolean late;
} Wait;

/* Sets ERROR with the client's label in front. Returns FALSE. */
gboolean qmp_client_fail (QmpClient *self, GError **error, QmpError code, const char *format, ...)
    G_GNUC_PRINTF (4, 5);
gboolean qmp_client_fail_broken (QmpClient *self, GError **error);

/* client-input.c */
extern const QmpWireHandler qmp_client_input;
/* TEXT with or without its newline. */
void qmp_client_tap (QmpClient *self, QmpTapKind kind, const char *name, const char *text);
/* A shortened MESSAGE for an error. */
char *qmp_client_excerpt (json_object *message);

/* client-wait.c */
Wait qmp_wait_new (const char *awaited, const char *lacking, gint64 timeout_us);
/* One turn of a wait, after the caller found that what it waits for is not there yet. FALSE when
 * there is no point in going on. */
gboolean qmp_wait_turn (QmpClient *self, Wait *wait, GError **error);
/* A cancel, in whatever thread, wakes who iterates the context. */
void qmp_client_watch_cancel (QmpClient *self);

/* client-call.c */
void qmp_call_free (gpointer call);
