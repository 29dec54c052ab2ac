/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* A migration among those of the service: its job, what D-Bus sees of it, what survives a crash. */
#pragma once

#include "agent/service/job.h"
#include "agent/service/metrics.h"
#include "agent/service/ticket.h"
#include "agent/service/view.h"

typedef struct Entry Entry;

typedef struct {
    GDBusObjectManagerServer *manager;
    Metrics *metrics;
    /* Called at the end of each; the entry stays until entry_is_old(). */
    void (*ended) (Entry *entry, gpointer data);
    /* A new object, whose methods are to be served. */
    void (*exported) (Entry *entry, gpointer data);
    gpointer data;
} EntryHost;

/* Takes all but HOST; NULL with an error to INVOCATION, if there is one. */
Entry *entry_new (const EntryHost *host, Order *order, Config *config, Traits *traits, Mode mode,
                  GDBusMethodInvocation *invocation);
void entry_free (Entry *self);
/* Goes on with one that has ended. Takes ORDER and CONFIG; INVOCATION is answered at the end. */
void entry_recover (Entry *self, Order *order, Config *config, GDBusMethodInvocation *invocation);

Job *entry_job (Entry *self); /* NULL when it has ended */
const Order *entry_order (const Entry *self);
View *entry_view (Entry *self); /* NULL before it is named */
ExitCode entry_exit_code (const Entry *self);
gboolean entry_is_old (const Entry *self);
/* What it may send at most, as far as others say; 0: no limit. FALSE: it sends nothing. */
gboolean entry_wants (const Entry *self, guint64 *ret_bytes_per_s);
