/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* One QEMU, seen through its monitor: what it was when we came, and the few commands that a
 * migration gives it. Belongs to the thread of its client. */
#pragma once

#include "agent/migration/schema.h"
#include "agent/migration/status.h"
#include "agent/options.h"
#include "qmp/client.h"

/* Questions of the first look. */
#define VM_MAX_QUESTIONS 16

typedef struct {
    End end;
    QmpClient *client;
    QmpAddress *address;
    char *version;   /* "10.0.2" */
    char *name;      /* NULL: none given to QEMU */
    char *uuid;      /* NULL: none, or the all-zero one */
    char *machine;   /* "pc-q35-10.0"; NULL where QEMU does not say */
    char *run_state; /* when we looked */
    gboolean kvm;
    guint64 ram_bytes;
    guint vcpus;
    guint dirty_bitmaps; /* that its disks carry */
    char *status_text;   /* of a migration, when we looked */
    MigrationStatus status;
    json_object *capabilities; /* {name: bool}, as found */
    json_object *parameters;   /* as found */
    json_object *blocked;      /* list of reasons, or NULL */
    gboolean has_yank;
    Schema *schema;                      /* NULL until vm_read_schema() */
    gint64 round_trip_us;                /* shortest that we saw */
    guint64 questions[VM_MAX_QUESTIONS]; /* ids; between vm_ask() and vm_hear() */
    guint asked, heard;
    gboolean is_qemu_process; /* who listens on its unix socket is QEMU itself, no forwarder */
} Vm;

/* Connects and looks, changing nothing. */
Vm *vm_open (GMainContext *context, const QmpAddress *address, End end, const GlobalOptions *global,
             GCancellable *cancel, GError **error);
/* The same in steps, for two ends at a time: connected; greeted; asked; the answers heard. What
 * stays unanswered in between is an error of the next step. */
Vm *vm_connect (GMainContext *context, const QmpAddress *address, End end,
                const GlobalOptions *global, GCancellable *cancel, GError **error);
gboolean vm_greet (Vm *self, GError **error);
gboolean vm_ask (Vm *self, GError **error);
gboolean vm_hear (Vm *self, GError **error);
/* The same an answer at a time, each of which lets the next question go. */
gboolean vm_has_more (const Vm *self);
gboolean vm_hear_one (Vm *self, GError **error);
void vm_close (Vm *self);
G_DEFINE_AUTOPTR_CLEANUP_FUNC (Vm, vm_close)

/* "web1", or what else it can be called by. Borrowed. */
const char *vm_title (const Vm *self);
gboolean vm_reports (const Vm *self, const char *capability);
gboolean vm_has_capability (const Vm *self, const char *capability); /* on when we looked */
/* By what it lists and, once that is read, by its schema: some are listed only while they are set.
 */
gboolean vm_takes_parameter (const Vm *self, const char *parameter);
/* A failure to receive need not end it (exit-on-error of migrate-incoming). */
gboolean vm_can_outlive_failure (const Vm *self);
/* Asks for what only the schema knows. OTHER (may be NULL): where it may have been read already. */
gboolean vm_read_schema (Vm *self, const Vm *other, GError **error);
/* The destination waits for a stream: -incoming defer, or listening already. */
gboolean vm_is_incoming (const Vm *self);

/* What QEMU says now. *ret_reply (the whole query-migrate answer) may be NULL. */
gboolean vm_query_status (Vm *self, gint64 timeout_us, MigrationStatus *ret_status,
                          json_object **ret_reply, GError **error);
/* The run state now; owned by the caller. */
char *vm_query_run_state (Vm *self, gint64 timeout_us, GError **error);

/* The same of an answer that is there already. */
gboolean vm_status_of (const Vm *self, json_object *reply, MigrationStatus *ret_status,
                       GError **error);
char *vm_run_state_of (const Vm *self, json_object *reply, GError **error);

/* A command whose answer is of no interest. Takes ARGUMENTS. */
gboolean vm_tell (Vm *self, const char *command, json_object *arguments, GError **error);
/* migrate-incoming. Kept alive after a failure, where it can be, it tells what it did not like. */
gboolean vm_listen (Vm *self, const char *uri, GError **error);
/* Out-of-band: gets through where QEMU's main loop hangs. */
gboolean vm_yank (Vm *self, gint64 timeout_us, GError **error);
/* Its process has ended: the connection closed and the QEMU that listened on its unix socket is no
 * more. What cannot be seen is not proven. */
gboolean vm_is_proven_dead (const Vm *self);
/* Is PID a QEMU that lives? */
gboolean vm_process_is_qemu (pid_t pid);
