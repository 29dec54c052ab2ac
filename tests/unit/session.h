/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* A client and the scripted peer that it is connected to. */
#pragma once

#include "qmp/client.h"
#include "tests/unit/script-peer.h"

#define SHORT_US (100 * 1000)
#define LONG_US  (10 * G_USEC_PER_SEC)

/* A query-status that comes, and its answer. */
#define ASKED     EXPECT ("query-status")
#define ANSWER(n) "{'return': {'n': " #n "}, 'id': $query-status}"

typedef struct {
    ScriptPeer *peer;
    GMainContext *context;
    GCancellable *cancel;
    QmpClient *client;
} Session;

/* What OPTIONS leave open is filled in: the label "source", LONG_US timeouts, our cancellable.
 * NULL in session->client and an error where opening fails. */
void session_try (Session *session, const Step *steps, QmpClientOptions options, GError **error);
/* The same over pipes. */
void session_try_pipes (Session *session, const Step *steps, QmpClientOptions options,
                        GError **error);
/* Opening succeeds. */
void session_open (Session *session, const Step *steps);
void session_clear (Session *session);
G_DEFINE_AUTO_CLEANUP_CLEAR_FUNC (Session, session_clear)

/* query-status is answered with {"n": N}, or goes wrong as said. */
void session_expect_answer (Session *session, gint64 n);
void session_expect_error (Session *session, int code, const char *words);

/* More than the kernel keeps for a peer that does not read. */
json_object *session_large_arguments (void);
