/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Shared by the job's files only. */
#pragma once

#include "agent/control.h"
#include "agent/service/claim.h"
#include "agent/service/job.h"
#include "agent/steering/trace.h"

struct Job {
    Order *order;
    Config *config;
    Traits *traits; /* NULL: it is no domain of libvirt's */
    Mode mode;
    Migration migration;
    GlobalOptions global;
    MigrateOptions *options;
    Board *board;
    Trace *trace;
    ControlServer *control;
    GThread *thread;
    const JobEvents *events;
    gpointer data;
    /* Written by the migration's thread before `named`. */
    char *id, *vm_name, *vm_uuid;
    gboolean observes;
    gboolean is_named; /* the main thread's: `named` was told */
    Claim *claim;      /* NULL: not yet */
};

/* The VM is known now, and with it what is configured for it: Migration's `configure`, in its
 * thread. Refuses a guest that another migration of ours has. */
gboolean job_meet_guest (Migration *m, const char *name, const char *uuid, GError **error);
/* The main thread's: by the record's first line, for what job_meet_guest() was not asked about. */
void job_take_names (Job *self, json_object *header);
