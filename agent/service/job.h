/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* One migration in the service: the work on a thread of its own; record, control socket and all
 * else on the main thread, which alone calls what is here and is alone called back. */
#pragma once

#include "agent/config.h"
#include "agent/migration/migration.h"
#include "agent/service/order.h"
#include "agent/service/traits.h"

typedef struct Job Job;

typedef struct {
    /* Its VM and its id are known. */
    void (*named) (Job *job, gpointer data);
    void (*line) (Job *job, json_object *line, gpointer data); /* LINE is borrowed */
    /* The thread has ended; the last one. The job may be freed in it. */
    void (*ended) (Job *job, gpointer data);
} JobEvents;

/* Takes ORDER, CONFIG, in which the order's options are already, and TRAITS (may be NULL). MODE: of
 * VMs of which neither says anything. */
Job *job_new (Order *order, Config *config, Traits *traits, Mode mode, const JobEvents *events,
              gpointer data, GError **error);
/* Only before job_start() or after `ended`. */
void job_free (Job *self);
void job_start (Job *self);
/* Hands off: the migration goes on without us. */
void job_leave (Job *self);
/* Passes on what the migration's thread has said meanwhile. */
void job_deliver (Job *self);
void job_ask (Job *self, Request *request); /* takes REQUEST */
void job_set_share (Job *self, const LinkShare *share);

const Order *job_order (const Job *self);
const char *job_id (const Job *self); /* NULL before `named` */
const char *job_vm_name (const Job *self);
const char *job_vm_uuid (const Job *self);
const char *job_role (const Job *self); /* "started", "steered", "observed" */
char *job_trace_path (const Job *self); /* owned by the caller */
