/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* One policy, loaded for one migration: a plugin (plugins/qmpmig-plugin.h), its handle, and the
 * thread that asks it. A policy cannot reach QMP: it sees samples and gives advice.
 *
 *   policy_load -> policy_configure for each key -> policy_complete -> policy_plan
 *     -> policy_decide any number of times -> policy_free
 *
 * All of it from one thread, the migration's. What comes out is sanitised: known bits and enums
 * only, percentages up to 100, words that are UTF-8 on one line. It is not yet cut to the
 * operator's limits. */
#pragma once

#include <glib.h>

#include "plugins/qmpmig-plugin.h"

#define POLICY_ERROR (policy_error_quark ())
GQuark policy_error_quark (void); /* the code is an ExitCode */

#define POLICY_PATIENCE_US  100000 /* then the migration goes on, and the answer may come later */
#define POLICY_ABANDONED_US 1000000

typedef struct Policy Policy;

/* NAME_OR_PATH: the name of an installed policy (policy-place.h), or an absolute path of NAME.so.
 * Opens a handle; CONTEXT is copied, its size, host and host_data do not matter. */
Policy *policy_load (const char *name_or_path, const struct qmpmig_context *context,
                     GError **error);
/* The same, and `exec` too (policy-exec.h), which runs a program: --allow-exec. */
Policy *policy_load_or_exec (const char *name_or_path, const struct qmpmig_context *context,
                             GError **error);
gboolean policy_configure (Policy *self, const char *key, const char *value, GError **error);
gboolean policy_complete (Policy *self, GError **error);
/* *RET_PLAN is written on success only. A policy without an opinion sets nothing in it. */
gboolean policy_plan (Policy *self, const struct qmpmig_facts *facts, struct qmpmig_plan *ret_plan,
                      GError **error);
/* Waits for a call that still runs until it has to be abandoned; then what it uses leaks, on
 * purpose. NULL is fine. */
void policy_free (Policy *self);
G_DEFINE_AUTOPTR_CLEANUP_FUNC (Policy, policy_free)

typedef enum {
    POLICY_ADVISED,
    POLICY_SILENT,    /* it changes and says nothing; ask_again_us may be set */
    POLICY_PENDING,   /* no answer yet; SAMPLE may not have been handed over */
    POLICY_FAILED,    /* it returned -1; it can be asked again */
    POLICY_ABANDONED, /* no answer for POLICY_ABANDONED_US: it will never be asked again */
} PolicyAnswer;

/* Hands a copy of SAMPLE to the policy's thread and waits for POLICY_PATIENCE_US. While an earlier
 * sample is still being thought about, the new one is dropped and nothing is waited for: the
 * answer, once it is there, is to the earlier one. *RET_ADVICE is always written: without an answer
 * it is policy_default_advice(). *RET_TEXT (may be NULL) says what is wrong, for PENDING, FAILED
 * and ABANDONED, and is NULL otherwise; the caller's to free. */
PolicyAnswer policy_decide (Policy *self, const struct qmpmig_sample *sample,
                            struct qmpmig_advice *ret_advice, char **ret_text);

/* The oldest line that the policy has logged and that was not taken yet; NULL: none. The caller's.
 */
char *policy_take_log (Policy *self);

const char *policy_name (const Policy *self);
const char *policy_version (const Policy *self);

/* All unknown, nothing set. */
void policy_default_sample (struct qmpmig_sample *sample);
void policy_default_facts (struct qmpmig_facts *facts);
void policy_default_plan (struct qmpmig_plan *plan);
void policy_default_advice (struct qmpmig_advice *advice);
